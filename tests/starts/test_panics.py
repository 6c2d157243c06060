"""Panics: which lines are of one dump, and whether the process survived it."""

from __future__ import annotations

import pytest

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
