"""Tables in the terminal: they fit, nothing is cut off, and numbers stand under each other."""

from __future__ import annotations

import io

from rich.console import Console

from harness.report.text_table import TextTable


def table(*rows: tuple[str, str, str]) -> TextTable:
    made = TextTable("times", ("name", "step", "why"), right=("step",), wrapped=("why",))
    for row in rows:
        made.add_row(*row)
    return made


def test_columns_are_as_wide_as_their_texts_and_numbers_stand_under_each_other() -> None:
    lines = [line for line, _ in table(("a", "9 ms", "x"), ("longer", "10 ms", "")).lines(80)]
    assert lines == [
        "times",
        "name      step   why",
        "─" * 20,
        "a         9 ms   x",
        "longer   10 ms",
        "",
    ]


def test_a_narrow_terminal_breaks_what_may_break_and_loses_no_word() -> None:
    said = "the launches of this case are too few to tell, and about 56 more of them would"
    lines = [line for line, _ in table(("a", "9 ms", said)).lines(50)]
    assert max(map(len, lines)) <= 50
    assert " ".join(" ".join(line[13:] for line in lines[3:]).split()) == " ".join(said.split())


def test_a_very_narrow_terminal_loses_no_letter() -> None:
    lines = [line for line, _ in table(("A" * 40, "9 ms", "X" * 30)).lines(30)]
    assert max(map(len, lines)) <= 30
    assert ("".join(lines).count("A"), "".join(lines).count("X")) == (40, 30)


def test_where_columns_would_cut_a_word_each_text_has_a_line_of_its_own() -> None:
    made = table(("gpt2-train batch=2", "9 ms", "short-of-memory and so on"), ("another", "", "y"))
    assert [line for line, _ in made.lines(24)] == [
        "times",
        "name: gpt2-train batch=2",
        "step: 9 ms",
        "why: short-of-memory and",
        "so on",
        "",
        "name: another",
        "why: y",
        "",
    ]
    for width in (24, 40, 60, 80):
        assert any("gpt2-train" in line for line, _ in made.lines(width)), width


def test_a_long_title_breaks_as_well() -> None:
    lines = [line for line, _ in TextTable("said " * 20, ("name",), (), ()).lines(30)]
    assert max(map(len, lines)) <= 30
    assert " ".join(lines).split().count("said") == 20


def test_sections_are_parted_and_rows_keep_their_style() -> None:
    made = table(("a", "1", "x"))
    made.add_section()
    made.add_row("b", "2", "y", style="dim")
    assert [(line, style) for line, style in made.lines(80)][3:] == [
        ("a         1   x", ""),
        ("", ""),
        ("b         2   y", "dim"),
        ("", ""),
    ]


def test_a_console_prints_it_with_nothing_of_its_own_read_as_markup() -> None:
    written = io.StringIO()
    Console(file=written, width=60).print(table(("[bold]a", "1", ":smile:")))
    assert "[bold]a" in written.getvalue()
    assert ":smile:" in written.getvalue()
