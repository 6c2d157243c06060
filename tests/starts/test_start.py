"""What a start says of itself: its first line, and where lines of it are lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.starts import Start
from tests.kit.handmade import RBAC, Journal


def only(journal: Journal) -> Start:
    [start] = journal.starts()
    return start


def test_of_chosen_lines_the_banner_is_the_first_one_and_another_is_not() -> None:
    whole = only(Journal().ticking(1.0, 3.0))
    assert not whole.filtered and whole.first_of_process is whole.process[0]
    polls = only(Journal().banner(0.1).poll(2.0).listed(4.0, RBAC).listed(8.0, RBAC).running(9.5))
    assert polls.filtered and polls.first_of_process is polls.process[0]
    without = only(Journal().poll(2.0).listed(4.0, RBAC).listed(8.0, RBAC).running(9.5))
    assert without.filtered and without.first_of_process is None


def test_what_was_lost_in_front_of_the_first_line_may_be_the_first_one() -> None:
    start = only(Journal().ticking(1.0, 3.0))
    own = start.process[1]
    later = replace(start, process=start.process[1:])
    assert replace(later, losses=(own.seq,)).first_of_process is None
    assert replace(later, losses=(own.seq + 1,)).first_of_process is own


@pytest.mark.parametrize(
    ("after", "before", "lost"), [(4, 6, True), (4, 5, True), (5, 6, False), (3, 4, False), (4, None, True)]
)
def test_lines_are_lost_behind_one_and_up_to_another(after: int, before: int | None, lost: bool) -> None:
    assert replace(only(Journal().ticking(1.0, 3.0)), losses=(5,)).lost_between(after, before) is lost


@pytest.mark.parametrize(
    ("journal", "release"),
    [
        (Journal("v1.30.4+k3s1").banner(0.1).poll(2.0), "v1.30.4+k3s1"),
        (Journal().ticking(1.0, 2.0).poll(2.0).serving(3.0), "v1.33.0"),
        (Journal().ticking(1.0, 2.0).poll(2.0), "v1.33.0"),
        (Journal().ticking(1.0, 2.0), None),
        (Journal().ticking(1.0, 2.0).say(3.0, "Shutdown request received: x"), "v1.34.2"),
        (Journal().ticking(1.0, 2.0).poll(2.0).say(3.0, "Shutdown request received: x"), "v1.34.2"),
        (Journal().ticking(1.0, 2.0).serving(3.0), None),
    ],
)
def test_without_a_version_the_first_release_with_such_words_counts(journal: Journal, release: str | None) -> None:
    start = only(journal)
    assert (start.release, start.version) == (release, "v1.30.4+k3s1" if release == "v1.30.4+k3s1" else None)
