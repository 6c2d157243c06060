"""Rotated files put together newest first, and blocks that were moved; a clock that was set back is neither."""

from __future__ import annotations

import io

import pytest

from analyzer.records import LogRecords, read_log_records

BANNER = "Starting k3s v1.33.4+k3s1 (148243c4)"


def stamp(second: int) -> str:
    return f"{6 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def short(second: int, text: str, pid: int = 1289) -> str:
    return f'Mar 01 {stamp(second)} node-a k3s[{pid}]: time="2026-03-01T{stamp(second)}Z" level=info msg="{text}"'


def cat(second: int, text: str, pid: int = 0) -> str:
    return f'time="2026-03-01T{stamp(second)}Z" level=info msg="{text}"'


def iso(second: int, text: str, pid: int = 1289) -> str:
    return f'2026-03-01T{stamp(second)}+00:00 node-a k3s[{pid}]: time="2026-03-01T{stamp(second)}Z" msg="{text}"'


def log_records(rows: list[str]) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def raws(rows: list[str]) -> list[str]:
    return [record.raw for record in log_records(rows).records]


START = [(0, "Acquiring lock file /x"), (1, BANNER), *((2 + 3 * n, f"line {n}") for n in range(10))]
ALL = [short, cat, iso]


@pytest.mark.parametrize("write", ALL)
def test_two_and_three_parts_newest_first_are_put_in_order(write: type) -> None:
    rows = [write(at, text) for at, text in START]
    assert raws([*rows[6:], *rows[:6]]) == rows
    assert raws([*rows[8:], *rows[4:8], *rows[:4]]) == rows
    found = log_records([*rows[6:], *rows[:6]])
    assert not found.steps and "in order" in found.notes[0][0]


@pytest.mark.parametrize("write", ALL)
def test_a_clock_set_back_in_the_process_that_began_in_the_first_part_is_a_step(write: type) -> None:
    """What follows is older than the begin, and yet nothing of a process precedes its banner."""
    rows = [write(at - (3600 if at > 12 else 0), text) for at, text in START]
    found = log_records(rows)
    assert [r.raw for r in found.records] == rows
    assert len(found.steps) == 1


def test_parts_of_a_process_whose_begin_is_in_neither_stay_where_they_are() -> None:
    rows = [short(100 + n, f"line {n}") for n in range(5)] + [short(n, f"later {n}") for n in range(5)]
    assert raws(rows) == rows


def test_parts_of_different_processes_are_put_in_order() -> None:
    older = [short(n, text, 100) for n, text in enumerate([BANNER, "a", "b"])]
    newer = [short(100 + n, text, 200) for n, text in enumerate([BANNER, "a", "b"])]
    assert raws([*newer, *older]) == [*older, *newer]


def test_a_machine_that_came_up_with_an_old_clock_is_not_turned_round() -> None:
    older = [f"Mar 01 {stamp(0)} node-a kernel: Linux version 6.1.0", *(short(n, BANNER, 100) for n in range(3))]
    newer = [short(100 + n, text, 200) for n, text in enumerate([BANNER, "a", "b"])]
    assert raws([*newer, *older]) == [*newer, *older]


def test_a_block_that_was_moved_is_put_back() -> None:
    rows = [short(20 * n, text) for n, text in enumerate([BANNER, *"abcdefgh"])]
    assert raws([*rows[:3], *rows[5:7], *rows[3:5], *rows[7:]]) == rows


def test_each_host_has_its_own_order() -> None:
    one = [short(at, text) for at, text in START]
    two = [row.replace("node-a", "node-b").replace("1289", "77") for row in one]
    mixed = [row for pair in zip([*one[6:], *one[:6]], two, strict=True) for row in pair]
    assert raws(mixed) == [*one, *two]


def test_the_end_of_a_year_is_no_fall() -> None:
    rows = [row.replace("Mar 01", "Dec 31") for row in (short(n, f"line {n}") for n in range(5))]
    rows += [row.replace("Mar 01", "Jan 01") for row in (short(n, f"new {n}") for n in range(5))]
    assert [r.raw for r in log_records(rows).records] == rows


@pytest.mark.parametrize("line", [short, cat])
def test_a_fall_of_a_second_at_the_first_words_is_a_border(line: object) -> None:
    whole = [line(7, "Acquiring lock file /x"), line(7, BANNER), *(line(8, f"line {n}") for n in range(4))]  # type: ignore[operator]
    assert raws([*whole[3:], *whole[:3]]) == whole
    assert raws([whole[0], whole[1], whole[3], line(7, "late"), whole[2]]) != whole  # type: ignore[operator]


def test_what_is_signed_above_its_making() -> None:
    ca = "CN=k3s-server-ca@1772345000"
    whole = [
        cat(7, "Acquiring lock file /x"),
        cat(7, BANNER),
        cat(7, f"generated self-signed CA certificate {ca}: notBefore=x"),
        cat(7, f"certificate CN=kube-apiserver signed by {ca}: notBefore=x"),
        cat(7, "no such thing").replace("info", "fatal"),
    ]
    assert raws([*whole[3:], *whole[:3]]) == whole
    again = [row.replace("1772345000", "1772345001") for row in whole[3:]]  # another run's
    assert raws([*again, *whole[:3]]) == [*again, *whole[:3]]


@pytest.mark.parametrize("line", [short, cat])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_process_that_began_and_goes_on_an_hour_earlier(line: object, at: int) -> None:
    """A step of the clock, also between the wrapper's words and the banner: neither part changes its place."""
    hour = 3600
    rows = [line(hour + s, text) if n < at else line(s, text) for n, (s, text) in enumerate(START)]  # type: ignore[operator]
    found = log_records(rows)
    assert [record.raw for record in found.records] == rows
    assert [step.line for step in found.steps] == [at + 1]
    times = [record.at.us for record in found.records if record.at is not None]
    assert times == sorted(times)


@pytest.mark.parametrize("cut", [5, 8, 13])
def test_lines_of_klog_between_those_of_logrus_go_with_their_part(cut: int) -> None:
    rows = [cat(0, "Acquiring lock file /x"), cat(1, BANNER)]
    for number in range(10):
        rows.append(cat(2 + 3 * number, f"line {number}"))
        rows.append(f"I0301 {stamp(3 + 3 * number)}.250000    1193 x.go:1] more {number}")
    assert raws([*rows[cut:], *rows[:cut]]) == rows


@pytest.mark.parametrize(("before", "turned"), [(11, False), (12, True)])
def test_the_kernels_first_words_are_among_the_first_twelve_lines(before: int, turned: bool) -> None:
    older = [f"Mar 01 {stamp(0)} node-a kernel: line {number}" for number in range(before)]
    older += [f"Mar 01 {stamp(0)} node-a kernel: Linux version 6.1.0", *(short(n, BANNER, 100) for n in range(3))]
    newer = [short(100 + n, text, 200) for n, text in enumerate([BANNER, "a", "b"])]
    assert (raws([*newer, *older]) == [*older, *newer]) is turned


@pytest.mark.parametrize(
    ("word", "writer", "turned"),
    [
        ("Starting k3s.service - Lightweight Kubernetes...", "systemd[1]", True),
        ("k3s.service: Consumed 1min 2s CPU time.", "systemd[1]", False),
        ("Starting k3s.service - Lightweight Kubernetes...", "k3s[1289]", False),
    ],
)
def test_only_systemd_announces_a_start(word: str, writer: str, turned: bool) -> None:
    newer = [short(100 + n, f"line {n}") for n in range(5)]
    older = [f"Mar 01 {stamp(0)} node-a {writer}: {word}", *(short(n, f"earlier {n}") for n in range(5))]
    assert (raws([*newer, *older]) == [*older, *newer]) is turned
