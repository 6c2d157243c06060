"""What stands between the lines of a log and is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyzer.records.draft import Draft
from analyzer.records.text_marks import ELISION, Boots, DateHint, Hole, cloud_init_date, date_in, header_date
from analyzer.timebase import SECOND

NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("when", "hint"),
    [
        ("Sun, 01 Mar 2026 12:00:00 +0000", (NOON, None)),
        ("01 Mar 2026 12:00:00 +0200", (NOON, None)),
        ("Sun, 01 Foo 2026 12:00:00 +0000", None),
        ("Sun, 31 Feb 2026 12:00:00 +0000", None),
        ("yesterday", None),
    ],
)
def test_the_date_of_cloud_init(when: str, hint: DateHint | None) -> None:
    assert cloud_init_date(f"Cloud-init v. 23.1 running 'modules:final' at {when}. Up 12.1 seconds.") == hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("since 2026-03-01 12:00:00 UTC; 5s ago", (NOON, 0)),
        ("since 2026-03-01 12:00:00 +0100; 5s ago", (NOON, 3600)),
        ("since 2026-03-01 12:00:00 CET; 5s ago", (NOON, None)),
        ("since 2026-02-31 12:00:00 UTC; 5s ago", None),
        ("since yesterday", None),
    ],
)
def test_a_date_and_its_zone(text: str, hint: DateHint | None) -> None:
    assert date_in(text) == hint


@pytest.mark.parametrize(
    ("begin", "end"), [("-- Logs begin at Sat 2026-02-28 12:00:00 UTC", " --"), ("-- Journal begins at x", ". --")]
)
def test_the_header_of_an_old_journalctl_tells_when_the_text_ends(begin: str, end: str) -> None:
    assert header_date(f"{begin}, end at Sun 2026-03-01 12:00:00 UTC{end}") == (NOON, 0)


def test_boots_by_their_marks() -> None:
    boots, seen = Boots(), []
    for boot in ("a", "b", "a", None, None):
        boots.begin(boot)
        seen.append((boots.id, boots.seq))
    assert seen == [("a", 1), ("b", 2), ("a", 1), (None, 3), (None, 4)]


@pytest.mark.parametrize(
    ("text", "hole"),
    [
        ("..", True), (".", False), ("--", True), ("[snip]", True), ("…", True), ("<truncated>", True),
        ("[12 lines removed]", True), ("(output omitted)", True), ("# ... a lot of these ...", True),
        ("[gekürzt]", True),
        ("[+]ping ok", False), ("[-]etcd failed: reason withheld", False), ("--- FAIL: cut", False),
        ("some lines are cut", False),
    ],
)  # fmt: skip
def test_signs_that_lines_were_left_out(text: str, hole: bool) -> None:
    assert (ELISION.match(text) is not None) is hole


def test_a_hole_is_above_one_line() -> None:
    hole, drafts = Hole(), [Draft(0, number, "", "") for number in range(4)]
    hole.mark(drafts[0])
    hole.tear()
    hole.mark(drafts[1])
    hole.mark(drafts[2])
    hole.gap = True  # passed over as of no use
    hole.mark(drafts[3])
    assert [(d.gap_before, d.lost_before) for d in drafts] == [
        (False, False), (True, True), (False, False), (True, False),
    ]  # fmt: skip
