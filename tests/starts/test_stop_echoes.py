"""Which fatal lines only repeat that somebody ended the process, and of which too little can be read."""

from __future__ import annotations

import pytest

from analyzer.starts.stop_echoes import is_echo, is_unreadable
from tests.kit.handmade import Journal

WAIT = "Failed to wait for API server to become ready: timed out waiting for the condition"
ROLES = "Failed to wait for RBAC: timed out waiting for the condition"


def echo(journal: Journal) -> bool:
    """Of the last line of the only start."""
    [start] = journal.starts()
    return is_echo(start, start.process[-1], start.process[-1].message)


def cut(journal: Journal, at: float, words: str) -> Journal:
    """With a fatal line that was cut behind these words."""
    journal.say(at, words + " and more", "fatal")
    journal.rows[-1]["MESSAGE"] = journal.rows[-1]["MESSAGE"].removesuffix(' and more"')
    return journal


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("starting kubernetes: context canceled", True),
        ("Error: controllers exited", True),
        ("server stopped: http: Server closed", True),
        ("scheduler exited: finished without leader elect", True),
        ("failed to retrieve agent configuration: unauthorized", True),
        ("context canceled while it waited", False),
        ("apiserver exited: unknown flag: --x", False),
        ("starting kubernetes: token is required", False),
    ],
)
def test_what_only_a_stop_makes_a_process_say(words: str, told: bool) -> None:
    assert echo(Journal().begin().say(5.0, words, "fatal")) is told


@pytest.mark.parametrize(("waited", "told"), [(889.0, True), (890.0, False)])
def test_a_wait_that_ended_before_its_limit_was_cancelled(waited: float, told: bool) -> None:
    assert echo(Journal().begin().say(0.1 + waited, WAIT, "fatal")) is told
    assert echo(cut(Journal().begin(), 0.1 + waited, WAIT[:40])) is told


@pytest.mark.parametrize(("words", "told"), [(WAIT, False), (ROLES, True)])
def test_without_its_begin_nobody_knows_how_long_it_waited(words: str, told: bool) -> None:
    """For the roles only a server that is stopped waits in vain."""
    assert echo(Journal().ticking(1.0, 2.0).say(5.0, words, "fatal")) is told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("starting kubernetes: context can", True),
        ("starting kubernetes: context ca", False),
        ("starting kubernetes: http: Serve", True),
        ("starting kubernetes: http: Serv", False),
        ("failed to retrieve a", True),
        ("failed to retrieve", False),
        ("Failed to wa", True),
        ("Failed to w", False),
    ],
)
def test_how_much_of_a_cut_line_must_be_readable(words: str, told: bool) -> None:
    assert echo(cut(Journal().begin(), 5.0, words)) is told


@pytest.mark.parametrize(("words", "told"), [("starting kub", False), ("starting ku", True)])
def test_a_few_characters_may_be_anything(words: str, told: bool) -> None:
    [start] = cut(Journal().begin(), 5.0, words).starts()
    assert is_unreadable(start, start.process[-1], start.process[-1].message) is told


@pytest.mark.parametrize(
    ("lines", "words", "told"), [(11, "", True), (12, "", False), (11, ": no space left on device", False)]
)
def test_a_sentence_is_unreadable_where_a_stop_stands_right_before_it(lines: int, words: str, told: bool) -> None:
    journal = Journal().begin().kube(4.0, "Closing database connections")
    for number in range(lines):
        journal.kube(4.1 + number * 0.01, f"line {number}")
    [start] = cut(journal, 5.0, "starting kubernetes: preparing server" + words).starts()
    assert is_unreadable(start, start.process[-1], start.process[-1].message) is told
