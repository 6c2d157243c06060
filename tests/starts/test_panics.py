"""Panics: which lines are of one dump, and whether the process survived it."""

from __future__ import annotations

import pytest

from analyzer.starts import find_starts
from analyzer.starts.panics import panics
from tests.kit.handmade import Journal


def found(journal: Journal) -> list[bool]:
    """Of each panic of the only start, whether it was survived."""
    [start] = journal.starts()
    return [panic.survived for panic in panics(start)]


def begun() -> Journal:
    return Journal().begin().ticking(1.0, 6.0)


@pytest.mark.parametrize(("later", "survived"), [(0.9, False), (1.1, True)])
def test_a_process_that_writes_a_second_after_a_panic_survived_it(later: float, survived: bool) -> None:
    journal = begun().bare(7.0, "panic: boom").bare(7.0, "").bare(7.0, "goroutine 1 [running]:")
    assert found(journal.bare(7.0, "main.main()").kube(7.0 + later, "still here")) == [survived]


@pytest.mark.parametrize(("pause", "survived"), [(1.9, False), (2.1, True)])
def test_a_panic_that_was_thrown_again_within_two_seconds_was_not_caught(pause: float, survived: bool) -> None:
    journal = begun().kube(7.0, '"Observed a panic" panic="boom"', "runtime.go:142", "E")
    journal.bare(7.0 + pause, "panic: boom").bare(7.0 + pause, "").bare(7.0 + pause, "goroutine 1 [running]:")
    assert found(journal) == [survived, False]


SAID = "0123456789" * 3  # as much of the words is compared


def without_stamps(first: str, again: str, between: int) -> bool:
    """Whether a caught panic was survived that another one follows, in a text that tells no times."""
    rows = ['level=info msg="Starting k3s v1.31.5+k3s1 (56ec5dd4)"']
    rows += [f'level=error msg="http: panic serving 127.0.0.1:40112: {first}"']
    rows += [f'level=info msg="line {number}"' for number in range(between)]
    rows += [f"panic: {again}", "", "goroutine 71 [running]:"]
    [start] = find_starts(Journal().log_records(("\n".join(rows) + "\n").encode()).records)
    caught, last = panics(start)
    assert not last.survived
    return caught.survived


@pytest.mark.parametrize(
    ("again", "survived"),
    [(SAID + "and another end", False), (SAID[:-1] + "x", True), ("wrapped: " + SAID, False)],
)
def test_without_stamps_the_same_thirty_characters_are_the_same_panic(again: str, survived: bool) -> None:
    assert without_stamps(SAID + "and its end", again, 1) is survived


@pytest.mark.parametrize(("between", "survived"), [(38, False), (39, True)])
def test_without_stamps_forty_lines_further_it_is_another_panic(between: int, survived: bool) -> None:
    assert without_stamps(SAID, SAID, between) is survived


@pytest.mark.parametrize(("lines", "survived"), [(2, False), (3, True)])
def test_without_stamps_three_ordinary_lines_show_that_the_process_lives(lines: int, survived: bool) -> None:
    rows = ['level=info msg="Starting k3s v1.31.5+k3s1 (56ec5dd4)"', "panic: boom", "", "goroutine 71 [running]:"]
    rows += [f'level=info msg="line {number}"' for number in range(lines)]
    [start] = find_starts(Journal().log_records(("\n".join(rows) + "\n").encode()).records)
    assert [panic.survived for panic in panics(start)] == [survived]


@pytest.mark.parametrize(("lines", "frame"), [(40, "main.second"), (41, None)])
def test_how_many_ordinary_lines_may_stand_within_a_dump(lines: int, frame: str | None) -> None:
    journal = begun().bare(7.0, "panic: boom")
    for number in range(lines):
        journal.kube(7.0, f"line {number}")
    [start] = journal.bare(7.0, "main.second(0x1)").starts()
    assert [panic.frame for panic in panics(start)] == [frame]


@pytest.mark.parametrize(("pause", "frame"), [(2.0, "main.second"), (2.000001, None)])
def test_two_seconds_after_its_last_line_a_dump_is_over(pause: float, frame: str | None) -> None:
    [start] = begun().bare(7.0, "panic: boom").bare(7.0 + pause, "main.second(0x1)").starts()
    assert [panic.frame for panic in panics(start)] == [frame]


@pytest.mark.parametrize("line", ["created by main.second(0x1)", "runtime.gopanic(0x1)", "panic(0x1)"])
def test_frames_that_are_not_the_program_s_own_are_passed_over(line: str) -> None:
    [start] = begun().bare(7.0, "panic: boom").bare(7.0, line).bare(7.0, "k8s.io/x/pkg.(*Y).run(0x1)").starts()
    assert [panic.frame for panic in panics(start)] == ["pkg.(*Y).run"]


@pytest.mark.parametrize(("at", "survived"), [(8.9, False), (9.0, True)])
def test_where_stamps_are_of_whole_seconds_the_one_begins_at_the_end_of_theirs(at: float, survived: bool) -> None:
    journal = begun().bare(7.0, "panic: boom").bare(7.0, "goroutine 1 [running]:").kube(at, "still here")
    [start] = find_starts(journal.log_records(journal.short()).records)
    assert [panic.survived for panic in panics(start)] == [survived]
