"""A token cache gives the same tokens, and its hit rate is the traffic's and not the measurement's."""

from __future__ import annotations

import pytest

from harness import benchmark, equal
from harness.errors import BadInput
from harness.models import _requests_job
from harness.models._requests_job import RequestsJob, drawn, pieces
from harness.technique import technique
from harness.verdict import CONFIRMED, REVERSED
from tests import handmade as hand
from tests.handmade import one

CACHE = technique("token-cache")


def job(variant: str = "uncached", **given: object) -> RequestsJob:
    plain = benchmark.model("requests")(phase="load", **{"size": "tiny", "texts": 2000, **given})
    made = CACHE.variant(variant).apply(plain).build()
    assert isinstance(made, RequestsJob)
    return made


def rate(made: RequestsJob, steps: int) -> float:
    """The hit rate of so many steps more."""
    before = made._hits_and_misses()
    for _ in range(steps):
        made.step()
    hits, misses = (now - then for now, then in zip(made._hits_and_misses(), before, strict=True))
    return hits / (hits + misses)


@pytest.mark.parametrize("variant", ["lru-100", "lru-1000"])
def test_the_tokens_are_the_same_in_every_step(variant: str) -> None:
    plain, cached = job(), job(variant)
    first = [made.step() for made in (plain, cached)]
    assert first[0] == first[1]
    found = equal.equality(equal.evidence(plain), equal.evidence(cached), CACHE.variant(variant).tolerance)
    assert found["ok"], found
    for _ in range(20):
        assert plain.step() == cached.step() != first[0]


def test_another_token_would_be_seen() -> None:
    made = job(requests=64)
    ids = made.step()
    expected = equal.evidence(made)
    made.last = [*ids[:-1], (*ids[-1][:-1], ids[-1][-1] + 1)]
    assert not equal.equality(expected, equal.evidence(made), CACHE.variant("lru-1000").tolerance)["ok"]


def test_the_hit_rate_is_steady_and_grows_with_the_cache() -> None:
    small, large = job("lru-100"), job("lru-1000")
    assert large._tokenize.cache_info().currsize == 1000
    early, late = rate(large, 100), rate(large, 100)
    assert early == pytest.approx(late, abs=0.05)
    assert 0.6 < large.figures()["hit rate"] < 0.9
    assert rate(small, 100) < early - 0.2
    assert "hit rate" not in job().figures()


def test_traffic_without_favourites_repeats_only_by_chance() -> None:
    """All of 2000 texts alike: a cache of 100 has one in twenty."""
    assert rate(job("lru-100", skew=0.0), 200) == pytest.approx(0.05, abs=0.02)


def test_requests_follow_the_law_and_the_seed() -> None:
    stream = drawn(100, 1.0, seed=3)
    counts = sorted((stream.count(number) for number in range(100)), reverse=True)
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.1)
    assert stream == drawn(100, 1.0, seed=3) != drawn(100, 1.0, seed=4)


def test_the_stream_goes_on_over_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_requests_job, "DRAWN", 100)
    monkeypatch.setattr(_requests_job, "BEFORE", 10)
    made = job()
    served = [made._next() for _ in range(12)]
    assert {len(each) for each in served} == {16}
    assert served[0] != served[5] == made.stream[:16]


def test_texts_are_different_and_as_long_as_said() -> None:
    found = pieces(3000, 50)
    assert len({*found}) == 3000
    assert {len(each.decode()) for each in found} == {50}
    with pytest.raises(BadInput, match="no 2000000 different ones"):
        pieces(2_000_000, 50)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phase": "infer"}, "no phase of requests 'infer'"),
        ({"skew": -1.0}, "skew of requests must be a number"),
        ({"skew": True}, "skew of requests must be a number"),
        ({"texts": 0}, "texts of requests must be a whole number"),
    ],
)
def test_bad_input_is_said_in_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        benchmark.model("requests")(**{"phase": "load", **given})


def test_an_option_of_another_technique_is_refused() -> None:
    plain = benchmark.model("requests")(phase="load", size="tiny")
    with pytest.raises(BadInput, match="option of requests"):
        plain.with_options(workers=2).build()


@pytest.mark.parametrize(("gain", "verdict"), [(2.0, CONFIRMED), (0.5, REVERSED)])
def test_the_claim_is_judged_on_the_speedup(gain: float, verdict: str) -> None:
    cases = hand.group(
        "uncached", "lru-1000", benchmark="token-cache", technique="caching", model="requests", phase="load"
    )
    steps = [{"uncached": 1.0, "lru-1000": 1 / each} for each in hand.around(gain)]
    assert one(hand.run(cases, launches=hand.timed(cases, steps)), "token-cache.000").verdict == verdict
