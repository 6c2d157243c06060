"""The same line delivered twice counts once; what a program says again is kept."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.duplicates import drop_twice
from analyzer.records.log_record import Payload
from analyzer.timebase import SECOND

HEAD = "Mar 01 06:03:{:02d} node-a k3s[{}]: "


def log_records(*rows: str) -> LogRecords:
    """The rows as one text."""
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def said(*rows: str) -> list[str]:
    return [record.message for record in log_records(*rows).records]


def say(second: int, text: str, pid: int = 1289, level: str = "info") -> str:
    return HEAD.format(second, pid) + f'time="2026-03-01T06:03:{second:02d}Z" level={level} msg="{text}"'


def bare(second: int, text: str, level: str = "info") -> str:
    return f'time="2026-03-01T06:03:{second:02d}Z" level={level} msg="{text}"'


def klog(second: int, micro: int, text: str) -> str:
    return f"E0301 06:03:{second:02d}.{micro:06d}    1289 healthz.go:1] {text}"


LOG = [
    "Mar 01 06:03:22 node-a systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
    say(22, "Starting k3s v1.33.4+k3s1 (148243c4)"),
    say(22, "Kine available at unix://kine.sock"),
    HEAD.format(25, 1289) + klog(25, 10, "readyz check failed: one,two"),
    " " * 36 + "[-]one failed: not finished",
    " " * 36 + "[-]two failed: not finished",
    say(27, "k3s is up and running"),
    "Mar 01 06:03:27 node-a systemd[1]: Started k3s.service - Lightweight Kubernetes.",
]
BARE = [
    bare(22, "Starting k3s v1.33.4+k3s1 (148243c4)"),
    bare(22, "Kine available at unix://kine.sock"),
    klog(25, 10, "readyz check failed: one,two"),
    "[-]one failed: not finished",
    "[-]two failed: not finished",
    bare(27, "k3s is up and running"),
]
ELAPSED = ["INFO[0000] Starting k3s v1.33.4+k3s1 (148243c4)", "INFO[0001] Kine available at unix://kine.sock"]


@pytest.mark.parametrize("log", [LOG, BARE, ELAPSED], ids=["short", "cat", "elapsed"])
def test_every_line_twice_is_the_log_once(log: list[str]) -> None:
    doubled = log_records(*(row for line in log for row in (line, line)))
    assert [r.message for r in doubled.records] == said(*log)
    assert doubled.ledger.reasons["given twice"] == len(log)


@pytest.mark.parametrize("log", [LOG, BARE], ids=["short", "cat"])
def test_some_lines_twice_is_the_log_once(log: list[str]) -> None:
    for seed in range(20):
        dice = random.Random(seed)
        rows = [row for line in log for row in ((line, line) if dice.random() < 0.4 else (line,))]
        assert said(*rows) == said(*log), seed


def test_the_lines_of_a_second_may_come_again_as_a_block() -> None:
    assert said(*LOG[:3], *LOG[:3], *LOG[3:]) == said(*LOG)
    assert said(*LOG[:6], *LOG[3:6], *LOG[6:]) == said(*LOG)
    assert said(*BARE[:2], *BARE[:5], *BARE[2:5], *BARE[5:]) == said(*BARE)


def test_another_stamp_or_process_is_no_copy() -> None:
    rows = [say(22, "Waiting"), say(23, "Waiting"), say(23, "Waiting", pid=1290)]
    assert said(*rows) == ["Waiting"] * 3
    other = [row.replace("node-a", "node-b") for row in rows]
    assert len(said(*rows, *other)) == 6


def test_the_next_process_counts_its_seconds_from_zero_too() -> None:
    run = ["INFO[0000] Starting k3s v1.33.4+k3s1 (1)", "INFO[0042] waiting", "FATA[0042] no token"]
    assert len(said(*run, *run)) == 6
    assert said("FATA[0000] no token", "FATA[0000] no token") == ["no token", "no token"]


def test_two_runs_within_one_second_without_a_pid_are_two() -> None:
    run = [bare(22, "Starting k3s v1.33.4+k3s1 (1)"), bare(22, "no token", level="fatal")]
    assert len(said(*run, *run)) == 4
    doubled = [row for line in run for row in (line, line)]
    assert len(said(*doubled)) == 2


def test_restarts_within_one_second_are_told_apart_by_their_counter() -> None:
    def systemd(text: str) -> str:
        return "Mar 01 06:03:22 node-a systemd[1]: " + text

    run = [systemd("Starting k3s.service - Lightweight Kubernetes..."), systemd("k3s.service: Failed with result 'x'.")]
    again = [systemd(f"k3s.service: Scheduled restart job, restart counter is at {n}.") for n in (1, 2)]
    rows = [*run, again[0], *run, again[1], *run]
    assert len(said(*rows)) == len(rows)
    assert len(said(*(row for line in rows for row in (line, line)))) == len(rows)


def test_words_of_a_second_that_comes_again_are_no_copies() -> None:
    """The clock was set back by an hour, and an hour later says the same second."""
    rows = [say(10, "Waiting"), say(40, "Waiting"), say(10, "Waiting"), say(40, "Waiting")]
    assert len(said(*rows)) == 4


def test_two_servers_one_after_the_other_in_one_file_are_not_copies() -> None:
    one = [bare(22, "Starting k3s v1.33.4+k3s1 (1)"), bare(24, "waiting for a"), bare(25, "up")]
    two = [bare(22, "Starting k3s v1.33.4+k3s1 (1)"), bare(23, "waiting for b"), bare(25, "up")]
    assert len(said(*one, *two)) == 6


def entry(cursor: str, text: str) -> str:
    return (
        f"__CURSOR={cursor}\n__REALTIME_TIMESTAMP=1772345002000000\n__MONOTONIC_TIMESTAMP=5000000\n"
        f"_BOOT_ID={'b' * 32}\n_HOSTNAME=node-a\nSYSLOG_IDENTIFIER=k3s\n_PID=1289\nMESSAGE={text}\n"
    )


def test_entries_with_a_cursor_of_their_own_are_two() -> None:
    assert len(log_records(entry("s=1;i=1", "again"), entry("s=1;i=2", "again")).records) == 2
    assert len(log_records(entry("s=1;i=1", "again"), entry("s=1;i=1", "again")).records) == 1


def test_what_was_missing_before_a_copy_is_missing_all_the_same() -> None:
    found = log_records(say(22, "one"), "--", say(22, "one"), say(23, "two"))
    assert [r.message for r in found.records] == ["one", "two"]
    assert found.records[1].lost_before


def test_further_lines_that_repeat_within_one_entry_are_kept() -> None:
    rows = [LOG[3], "    frame a", "    frame b", "    frame a"]
    assert len(said(*rows)) == 4


def test_lists_below_two_reports_of_one_second_are_both_kept() -> None:
    """The journal stamps every line of a list by itself."""

    def lines(micro: int) -> list[str]:
        head = HEAD.format(25, 1289)
        return [head + klog(25, micro, "one,two check failed: readyz"), head + "[+]ping ok", head + "[-]one failed: x"]

    rows = [*lines(10), *lines(400_000)]
    assert len(said(*rows)) == 6
    assert len(said(*(row for line in rows for row in (line, line)))) == 6
    assert len(said(*rows, *rows)) == 6


def test_a_banner_twice_behind_last_words_is_a_copy() -> None:
    def bare(text: str, level: str = "info") -> str:
        return f'time="2026-03-01T06:03:22Z" level={level} msg="{text}"'

    banner, end = bare("Starting k3s v1.33.4+k3s1 (148243c4)"), bare("no such thing", "fatal")
    for rows, left in (([end, end, banner, banner], 2), ([banner, end, banner, end], 4)):
        found, _ = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
        assert len(found.records) == left


def line(at_us: int, text: str, precision: int, pid: int | None, number: int = 0) -> Draft:
    """As its carrier stamped it."""
    draft = Draft(0, number, text, text, payload=Payload.LOGRUS, outer=Outer.UTC, ident="k3s", pid=pid)
    draft.value, draft.precision = 1_772_344_800 * SECOND + at_us, precision
    return draft


@pytest.mark.parametrize(
    ("precision", "pid", "apart", "copy"),
    [
        (SECOND, 5, 10 * SECOND, True),
        (SECOND, 5, 11 * SECOND, False),  # a clock that was set back gives the same stamps again
        (SECOND, None, 0, True),
        (SECOND, None, SECOND, False),  # another run, or another server
        (1, 5, 600 * SECOND, True),
        (1, 5, 600 * SECOND + 1, False),
        (1, None, 600 * SECOND, True),
    ],
)
def test_how_far_from_a_line_its_copy_may_stand(precision: int, pid: int | None, apart: int, copy: bool) -> None:
    drafts = [line(0, "one", precision, pid), line(apart, "two", precision, pid), line(0, "one", precision, pid)]
    assert len(drop_twice(Tally("x", 0), drafts)) == (2 if copy else 3)


def test_a_line_near_the_latest_one_is_known_however_long_the_text_is() -> None:
    far = [line(at * SECOND, f"line {at}", SECOND, 5) for at in range(0, 100, 5)]
    again = [copy for draft in far for copy in (draft, replace(draft))]
    assert drop_twice(Tally("x", 0), again) == far
    assert len(drop_twice(Tally("x", 0), [*far, replace(far[-2])])) == len(far)
    assert len(drop_twice(Tally("x", 0), [*far, replace(far[-4])])) == len(far) + 1


@pytest.mark.parametrize(("copies", "notes"), [(4, 0), (5, 1)])
def test_five_copies_are_worth_a_word(copies: int, notes: int) -> None:
    tally = Tally("x", 0)
    drafts = [line(0, f"line {n // 2}", 1, 5, n) for n in range(2 * copies)]
    assert len(drop_twice(tally, drafts)) == copies
    assert (len(tally.notes), tally.reasons["given twice"]) == (notes, copies)
