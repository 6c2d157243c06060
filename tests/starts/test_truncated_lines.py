"""Lines cut at the edge of a terminal: how many must end there."""

from __future__ import annotations

import pytest

from analyzer.starts.truncated_lines import begins, cut_width, is_cut, same_words
from tests.kit.handmade import Journal


@pytest.mark.parametrize(("more", "width"), [(1, None), (2, 90), (3, 90)])
def test_three_lines_of_the_greatest_width_were_cut_there(more: int, width: int | None) -> None:
    journal = Journal().banner(0.1)  # is cut, too
    for number in range(more):
        journal.say(1.0 + number, f"{number} words that go on and on until something cuts them at the edge of it")
    text = "\n".join(line[:90] for line in journal.short().decode().splitlines()) + "\n"
    records = journal.log_records(text.encode()).records
    assert cut_width(records) == width


@pytest.mark.parametrize(("shown", "same"), [("starting k3s", True), ("starting k3", False)])
def test_twelve_characters_are_the_least_that_two_cut_texts_share(shown: str, same: bool) -> None:
    assert same_words(f"{shown}…", f"{shown} and more") is same


def test_one_open_line_at_the_edge_is_enough() -> None:
    """Another may have ended there by itself."""
    journal = Journal()
    for number in range(3):
        journal.say(1.0 + number, f"{number} words that go on and on until something cuts them at the edge of it")
    rows = [line[:90] for line in journal.short().decode().splitlines()]
    whole = rows[0][:89] + '"'
    assert cut_width(journal.log_records("\n".join([whole, *rows[1:]]).encode() + b"\n").records) == 90
    shorter = rows[0][:60] + ' msg=x"'
    assert cut_width(journal.log_records("\n".join([*rows, *[shorter] * 3]).encode() + b"\n").records) == 90
    assert cut_width(journal.log_records("\n".join([whole] * 3).encode() + b"\n").records) is None


@pytest.mark.parametrize(
    ("text", "whole", "least", "told"),
    [
        ("twelve chars", "twelve chars and more", 12, True),
        ("twelve char", "twelve chars and more", 12, False),
        ("words>", "words", 12, True),
        ("words and more", "words", 12, True),
        ("others", "words", 1, False),
        ("wo…", "words", 2, True),
        ("w…", "words", 2, False),
    ],
)
def test_how_much_a_cut_text_must_show_to_be_the_begin_of_another(
    text: str, whole: str, least: int, told: bool
) -> None:
    assert begins(text, whole, least=least) is told


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("I0301 06:00:01.000000    1000 x.go:1] words", 0, True),
        ("I0301 06:00:01.000000    1000 x.go:1] words", 1, False),
        ('I0301 06:00:01.000000    1000 x.go:1] "words"', 0, False),
        ('I0301 06:00:01.000000    1000 x.go:1] "words \\"', 0, True),
        ('I0301 06:00:01.000000    1000 x.go:1] "words" a="b"', 0, False),
        ("I0301 06:00:01.000000    1000 x.go:1] {a}", 0, False),
    ],
)
def test_a_line_that_ends_open_at_the_width_of_the_others_was_cut(text: str, width: int, cut: bool) -> None:
    """``width``: by how much the others are wider."""
    [record] = Journal().bare(1.0, text).log_records().records
    assert is_cut(record, len(record.raw) + width) is cut
