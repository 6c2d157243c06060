"""Lines and tables that fit a width, in time in proportion to the text."""

from __future__ import annotations

import pytest

from analyzer.reports.format import Options
from analyzer.reports.terminal import Page, broken, cells
from tests.kit.effort import calls, proportional


def laid_out(text: str, width: int) -> list[str]:
    page = Page(Options(width=width))
    page.line(text)
    return page.text().splitlines()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("0123456789abcdef", ["0123456789", "abcdef"]),
        ("x 0123456789abcdef y", ["x", "0123456789", "abcdef y"]),
        ("漢字漢字漢字", ["漢字漢字漢", "字"]),
        ("e\u0301" * 12, ["e\u0301" * 10, "e\u0301" * 2]),
    ],
)
def test_lines_break_between_words_and_only_long_words_inside(text: str, lines: list[str]) -> None:
    assert laid_out(text, 10) == lines


@pytest.mark.parametrize("piece", ["a", "a…", 'Get \\"https://…', "漢"], ids=range(4))
def test_a_word_of_any_length_is_laid_out_in_linear_time(piece: str) -> None:
    assert proportional(lambda size: laid_out(piece * (size // len(piece)), 80), 400_000)
    assert max(map(cells, laid_out(piece * 300, 80))) <= 80


def test_a_long_cell_gives_way_to_the_others() -> None:
    def table(size: int) -> list[str]:
        page = Page(Options(width=80))
        page.table((("one", "wrap"), ("two", "wrap")), [("x" * size, "y" * 30)])
        return page.text().splitlines()

    assert max(map(len, table(100_000))) <= 80
    assert table(100_000)[1] == table(300)[1] == f"  {'x' * 46}  {'y' * 30}"
    assert calls(lambda: table(40_000)) < 40_000  # not once for each column that is taken away


def test_the_pieces_of_a_paragraph_are_those_that_are_shown() -> None:
    assert broken("\x1b[31mred green", 12) == ["\\x1b[31mred ", "green"]
