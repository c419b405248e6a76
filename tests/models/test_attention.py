"""Attention alone: what a step is, what it is worth in FLOPs, and what is said of bad input."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import flops, memory
from harness.errors import BadInput
from harness.models._attention_job import AttentionJob
from harness.models.attention import make


def job(**given: Any) -> AttentionJob:
    made = make(phase="kernel", size="tiny", **given).build()
    assert isinstance(made, AttentionJob)
    return made


def by_hand(made: AttentionJob, causal: bool) -> torch.Tensor:
    """Row by row, in double precision."""
    query, key, value = (one.detach().double() for one in made.inputs)
    out = torch.empty_like(query)
    for batch in range(query.shape[0]):
        for head in range(query.shape[2]):
            for row in range(query.shape[1]):
                seen = row + 1 if causal else query.shape[1]
                scores = key[batch, :seen, head] @ query[batch, row, head] / query.shape[-1] ** 0.5
                out[batch, row, head] = scores.softmax(0) @ value[batch, :seen, head]
    return out.float()


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_attention(causal: bool) -> None:
    made = job(causal=causal, length=9)
    made.step()
    torch.testing.assert_close(made.evidence()["output"], by_hand(made, causal), atol=1e-5, rtol=1e-5)


def test_the_same_seed_gives_the_same_inputs() -> None:
    one, other = job(seed=3), job(seed=3)
    assert all(map(torch.equal, one.inputs, other.inputs))
    assert not torch.equal(one.inputs[0], job(seed=4).inputs[0])


def test_a_forward_step_has_an_output_and_no_gradients() -> None:
    made = job()
    made.step()
    assert set(made.evidence()) == {"output"}
    assert made.tensors()["gradients"] == []


def test_a_backward_step_has_the_gradients_of_all_three_and_adds_none_up() -> None:
    made = job(backward=True)
    made.step()
    first = {name: one.clone() for name, one in made.evidence().items()}
    assert set(first) == {"output", "query", "key", "value"}
    made.step()
    assert all(torch.equal(made.evidence()[name], one) for name, one in first.items())


def test_a_step_drops_weights_and_what_is_compared_does_not() -> None:
    made, plain = job(dropout=0.5, backward=True), job(backward=True)
    plain.step()
    assert not torch.equal(made.step(), made.step())
    assert all(torch.equal(one, plain.evidence()[name]) for name, one in made.evidence().items())


def test_its_work_is_what_torch_counts_forward() -> None:
    made = job()
    stated = flops.count(made)
    assert stated == 4 * 2 * 2 * 32 * 32 * 16
    del made.flops
    assert flops.count(made) == stated


def test_work_is_counted_as_papers_of_kernels_do() -> None:
    assert job(backward=True).flops == 3.5 * job().flops
    assert job(causal=True).flops == 0.5 * job().flops


def test_every_score_written_out_shows_in_memory() -> None:
    made = job(length=256)
    found = memory.of("cpu").measure(made)
    scores = 2 * 2 * 256 * 256 * 4
    assert found["batch"] == 3 * 2 * 256 * 2 * 16 * 4
    assert found["peak"] - found["batch"] >= 2 * scores


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phase": "train"}, "attention has only the phase kernel, not 'train'"),
        ({"dropout": 1.0}, "dropout of attention must be at least 0 and below 1, not 1.0"),
        ({"dtype": "int8"}, "dtype of attention must be one of float32, bfloat16, float16"),
        ({"lenght": 3}, "no parameter of attention 'lenght'; did you mean length"),
        ({"length": 0}, "length of attention must be a whole number of at least 1"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        make(**{"phase": "kernel", **given})


def test_an_unknown_way_is_bad_input_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="no attention 'eagre'; did you mean eager"):
        make(phase="kernel", size="tiny").with_options(attention="eagre").build()
