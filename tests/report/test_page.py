"""The page as a reader meets it, in a real browser, with names that try to break it."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from harness import claims, folders, store, targets
from harness.benchmark import PROFILES
from harness.history import History, Point, Series
from harness.judge import judge
from harness.report import index, page, page_tables
from harness.technique import techniques
from tests import handmade as hand
from tests.report.browser import open_browser

NASTY = "<script>alert(1)</script>"
ROOT = Path(__file__).parents[2]


def judged(folder: Path, model: str, *speedups: float) -> page.Judged:
    """A run on disk with a speedup of mixed precision for each launch, on `model`."""
    cases = hand.group("fp32", "bf16", model=model)
    made = hand.run(cases, launches=hand.timed(cases, [{"fp32": r, "bf16": 1.0} for r in speedups]))
    cpu = {"model": NASTY, "cores": 2}
    info = {**made.info, "started": "2026-01-31", "machine": {"cpu": cpu, "commit": "abc"}}
    folder.mkdir(parents=True)
    (folder / store.RUN).write_text("{}")
    (folder / store.JOURNAL).write_text("")
    run = store.Run(folder, info, made.launches)
    own = hand.claim(id="own.claim", contradicted_by=["other.claim"])
    other = hand.claim(id="other.claim", says="it is slower", range=[0.5, 0.9])
    return page.Judged(run, judge(run, [own, hand.claim(id="a.third"), other], targets.load()))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    points = tuple(Point(commit, commit, 0.1) for commit in ("abc", NASTY))
    past = History(NASTY, "asv", {"device": "cpu"}, (Series(NASTY, "time of a step", points),))
    first = judged(folder / "first" / "run-1", "gpt2", *hand.around(1.7))
    second = judged(folder / "a&b'c d" / "run-2", NASTY, *hand.around(0.7))
    return page.write([first, second], folder / "out", histories=[past])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, written: Path) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    tab.goto(written.as_uri())
    yield tab
    tab.close()
    assert not said


def test_names_are_data(opened: Page) -> None:
    assert NASTY in opened.inner_text("main")
    assert opened.locator("script").count() == 1


def test_first_screen_says_what_to_turn_on(opened: Page) -> None:
    card = opened.locator(".card").first.inner_text()
    assert "mixed-precision:bf16 (16-bit arithmetic in the forward and backward pass" in card
    assert ", fp32 weights): 1.7x" in card
    assert "claims held 2 of 3" in card
    assert "Claims: 2 of 3 verdicts held" in card
    assert "Targets:" in card


def test_filters_choose_rows(opened: Page) -> None:
    rows = opened.locator("tr[data-machine]:visible")
    before = rows.count()
    opened.get_by_role("combobox", name="machine").select_option("first")
    assert 0 < rows.count() < before
    opened.get_by_role("combobox", name="verdict").select_option("confirmed")
    verdicts = opened.locator("#claims tr[data-verdict]:visible")
    assert {one.get_attribute("data-verdict") for one in verdicts.all()} == {"confirmed"}


def test_filters_choose_among_machines_side_by_side(opened: Page) -> None:
    rows = opened.locator("[aria-label='machines side by side'] tbody tr:visible")
    assert rows.count() == 2
    opened.get_by_role("combobox", name="model").select_option("gpt2")
    assert rows.count() == 1


def test_a_number_opens_to_its_samples_by_keyboard(opened: Page) -> None:
    opened.locator("td details summary").first.focus()
    opened.keyboard.press("Enter")
    samples = opened.get_by_role("link", name="its samples").first
    assert Path(page_path(samples.get_attribute("href") or "")).suffix == ".txt"
    assert samples.is_visible()


def test_words_of_the_page_are_explained_where_they_are_used(opened: Page) -> None:
    opened.get_by_text("What the verdicts mean").click()
    terms = opened.locator("#claims dt")
    assert terms.all_inner_texts() == list(page_tables.VERDICTS)
    assert all(opened.locator("#claims dd").all_inner_texts())
    columns = set(opened.locator("section[id^=t-] th").all_inner_texts())
    opened.get_by_text("What the columns mean").click()
    explained = set(opened.locator("main > details dt").all_inner_texts())
    assert columns - explained <= {"machine", "remark"}
    opened.get_by_text("What the variants are").click()
    assert opened.locator(".about dt").all_inner_texts() == ["mixed-precision:fp32", "mixed-precision:bf16"]


def test_contradicting_sources_stand_together(opened: Page) -> None:
    bodies = opened.locator("#claims tbody").all()
    assert [body.locator("tr").count() for body in bodies] == [4, 2]
    assert "it is slower" in bodies[0].inner_text()


def test_every_link_and_picture_leads_somewhere(opened: Page) -> None:
    addresses = opened.eval_on_selector_all("a[href]", "found => found.map(one => one.href)")
    for address in addresses:
        if "#" in address:
            assert opened.locator(f"[id='{address.split('#')[1]}']").count() == 1, address
        else:
            assert address.startswith("file:"), address
            assert Path(page_path(address)).is_file(), address
    for image in opened.locator("img").all():
        image.scroll_into_view_if_needed()
        opened.wait_for_function("one => one.complete", arg=image.element_handle())
        assert image.evaluate("one => one.naturalWidth") > 0


def page_path(address: str) -> str:
    return unquote(urlparse(address).path)


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_nothing_overflows(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_a_printed_page_cuts_no_table(opened: Page) -> None:
    opened.set_viewport_size({"width": 720, "height": 1000})
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 720
    assert not opened.get_by_role("navigation").is_visible()


def test_a_long_word_in_a_remark_stays_within_its_table(browser: Browser, tmp_path: Path) -> None:
    one = judged(tmp_path / "m" / "run", "W" * 60, *hand.around(1.7))
    rows = [dataclasses.replace(row, outcome="crashed", message="x" * 400) for row in one.judgement.rows]
    one.judgement.rows[:] = rows
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(page.write([one], tmp_path / "out").as_uri())
    tab.evaluate("document.querySelectorAll('td details').forEach((one) => { one.open = true; })")
    tables = tab.locator(".wide").all()
    wide = [table.evaluate("one => one.scrollWidth - one.clientWidth") for table in tables]
    tab.close()
    assert len(wide) >= 2
    assert max(wide) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_roles_pass_axe(opened: Page, scheme: str) -> None:
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()


def test_the_stored_runs_make_a_small_page(tmp_path: Path) -> None:
    named = folders.foremost(ROOT / "results", PROFILES)
    runs = [store.read(folder) for folder in named]
    made = [page.Judged(run, judge(run, claims.load(), targets.load())) for run in runs]
    path = page.write(made, tmp_path)
    size = sum(one.stat().st_size for one in tmp_path.rglob("*") if one.is_file())
    assert path.stat().st_size < 1e6
    assert size < 3e6, "samples and all"


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    one = judged(tmp_path / "machine" / "run", "gpt2", *hand.around(1.7))
    first = page.write([one], tmp_path / "a").read_bytes()
    assert page.write([again(one)], tmp_path / "b").read_bytes() == first


def test_a_number_names_the_commit_and_the_one_benchmark_to_measure_it_again(tmp_path: Path) -> None:
    text = page.write(
        [judged(tmp_path / "m" / "run", "gpt2", *hand.around(1.7))], tmp_path / "out"
    ).read_text()
    assert "git checkout abc\npython -m harness run mixed-precision --profile quick --device cpu" in text
    assert "which measures this and the 1 other cases of mixed-precision:" in text


def test_where_the_id_of_a_case_asks_for_it_that_is_the_command(tmp_path: Path) -> None:
    one = judged(tmp_path / "m" / "run", NASTY, *hand.around(1.7))
    one.run.info["runs_by"] = "case"
    base, variant = one.judgement.rows
    command, besides = one.again(variant)
    name = f"'mixed-precision/{NASTY}-train@cpu#bf16'"
    assert command.splitlines()[1] == f"python -m harness run {name} --profile quick --device cpu"
    assert (besides, one.again(base)[1]) == ("this and its baseline", "this alone")
    assert shlex.split(command)[-5] == variant.case.id


def test_what_was_declared_elsewhere_is_measured_from_there(tmp_path: Path) -> None:
    one = judged(tmp_path / "m" / "run", "gpt2", *hand.around(1.7))
    one.run.info["own_benchmarks"] = True
    command, _ = one.again(one.judgement.rows[1])
    assert command.endswith(" --device cpu --benchmarks FOLDER_OF_ITS_DECLARATIONS")


def test_a_name_that_means_more_says_what_else_it_measures(tmp_path: Path) -> None:
    one = judged(tmp_path / "m" / "run", "gpt2", *hand.around(1.7))
    (stable, _) = hand.group("fp32", "bf16", benchmark="stability", technique="mixed-precision")
    row = one.judgement.rows[1]
    one.judgement.rows.append(dataclasses.replace(row, case=stable))
    assert one.again(row)[1] == "this and the 1 other cases of mixed-precision; and all of stability"


def again(one: page.Judged) -> page.Judged:
    return page.Judged(dataclasses.replace(one.run), one.judgement)


def test_the_index_links_to_every_run_and_picture(tmp_path: Path) -> None:
    one = judged(tmp_path / "a <b> c" / "run", "gpt2", *hand.around(1.7))
    text = index.write([one], tmp_path).read_text()
    assert "| mixed-precision:bf16 | 1.7x" in text
    assert "(a%20%3Cb%3E%20c/run)" in text
    assert "<b>" not in text
    pictures = list((tmp_path / "plots").glob("*.svg"))
    assert pictures
    assert all(f"(plots/{picture.name})" in text for picture in pictures)


def test_the_index_names_every_other_run_too(tmp_path: Path) -> None:
    """The one of another machine that was dropped there as well."""
    one = judged(tmp_path / "machine" / "b", "gpt2", *hand.around(1.7))
    for other in ("machine/a", "<i>/c]d"):
        run = judged(tmp_path / other, "gpt2", *hand.around(1.6)).run
        (run.folder / store.RUN).write_text(json.dumps({"schema": 1, **run.info}))
    text = index.write([one], tmp_path).read_text()
    others = re.findall(r"^- \[.*?\]\((.*?)\): quick on cpu", text, flags=re.MULTILINE)
    assert others == ["%3Ci%3E/c%5Dd", "machine/a"]
    assert "2 other runs" in text
    assert "<i>" not in text


def test_the_index_shows_the_overview_and_folds_the_rest_away(tmp_path: Path) -> None:
    one = judged(tmp_path / "machine" / "run", NASTY, *hand.around(1.7))
    text = index.write([one], tmp_path).read_text()
    assert "| machine | quick on cpu | 2026-01-31 | 1 | 2 of 3 |" in text
    shown = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert re.findall(r"!\[(\w+) of", shown) == ["overview"]
    says = techniques()["mixed-precision"].says
    assert text.count(f"<details><summary>mixed-precision: {says}</summary>\n\n![") == 1
    assert text.count("![") == 2
    assert "<script" not in text


def test_a_readme_shows_the_run_as_a_picture_beside_it(tmp_path: Path) -> None:
    results = tmp_path / "results"
    one = judged(results / "a machine" / "run", "gpt2", *hand.around(1.7))
    text = index.picture(one, results, tmp_path / "README.md")
    (alt, address) = re.fullmatch(r"!\[(.*)\]\((.*)\)", text).groups()  # type: ignore[union-attr]
    assert alt.endswith("on a machine")
    picture = tmp_path / unquote(address)
    assert "mixed-precision:bf16" in picture.read_text()
    index.write([one], results)
    assert picture.exists(), "the index keeps what a README shows"
