"""Time that goes back inside one process is a step of the clock, in every carrier; lines out of order are none."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.records.clock_steps import is_step_signal
from analyzer.timebase import SECOND

BANNER = "Starting k3s v1.33.4+k3s1 (148243c4)"


def clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def cat(second: int, text: str) -> str:
    return f'time="2026-03-01T{clock(second)}Z" level=info msg="{text}"'


def dated(second: int, text: str) -> str:
    return f"INFO[2026-03-01T{clock(second)}.250000000Z] {text}"


def docker(second: int, text: str) -> str:
    return f"2026-03-01T{clock(second)}.250000000Z " + cat(second, text)


def short(second: int, text: str) -> str:
    return f"Mar 01 {clock(second)} node-a k3s[1289]: " + cat(second, text)


CARRIERS = [cat, dated, docker, short]
Carrier = Callable[[int, str], str]
NOON = 12 * 3600


def log_records(rows: list[str]) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def places(found: LogRecords) -> list[float]:
    stamps = [record.at.us for record in found.records if record.at is not None]
    return [(us - stamps[0]) / SECOND for us in stamps]


@pytest.mark.parametrize("write", CARRIERS)
@pytest.mark.parametrize("by", [3600, 60, 10])
def test_a_clock_set_back_is_a_step_and_nothing_lies_before_the_begin(write: Carrier, by: int) -> None:
    true = [(0, BANNER), *((n, f"line {n}") for n in range(1, 12))]
    rows = [write(NOON + at - (by if at > 5 else 0), text) for at, text in true]
    found = log_records(rows)
    assert [r.message for r in found.records] == [text for _, text in true]
    [step] = found.steps
    assert found.records[step.seq].message == "line 6"
    axis = places(found)
    assert axis == sorted(axis)
    # As if the step took no time: a lower bound, and nearly the truth.
    assert all(at - 2.0 <= shown <= at for (at, _), shown in zip(true, axis, strict=True))


@pytest.mark.parametrize("write", CARRIERS)
def test_a_clock_set_forward_by_an_hour_while_it_starts_is_a_step(write: Carrier) -> None:
    rows = [write(NOON + at + (3600 if at > 2 else 0), text) for at, text in enumerate([BANNER, *"abcdef"])]
    found = log_records(rows)
    assert len(found.steps) == 1 and found.records[found.steps[0].seq].message == "c"
    assert max(places(found)) < 10


def test_the_process_after_a_clock_that_was_set_forward_has_its_own_stamps() -> None:
    first = [short(NOON + at + (3600 if at > 2 else 0), text) for at, text in enumerate([BANNER, *"abcdef"])]
    second = [short(NOON + 4000 + at, text).replace("1289", "1300") for at, text in enumerate([BANNER, *"ghi"])]
    found = log_records([*first, *second])
    assert places(found)[len(first) :] == [4000.0, 4001.0, 4002.0, 4003.0]


@pytest.mark.parametrize("write", [cat, dated, docker])
def test_another_process_with_an_earlier_clock_is_no_step(write: Carrier) -> None:
    rows = [write(NOON + at, text) for at, text in enumerate([BANNER, *"abcdef"])]
    other = [write(NOON + at, text) for at, text in enumerate(["Preparing data dir /x", BANNER, *"uvwxy"])]
    assert not log_records([*rows, *other]).steps


@pytest.mark.parametrize("write", CARRIERS)
def test_lines_that_overtake_one_another_are_no_step(write: Carrier) -> None:
    rows = [write(NOON + at, f"line {n}") for n, at in enumerate([0, 2, 1, 3, 5, 4, 6])]
    assert not log_records(rows).steps


def test_a_line_late_by_seconds_moves_nothing() -> None:
    rows = [cat(NOON + at, f"line {n}") for n, at in enumerate([0, 5, 9, 5, 10, 11, 12])]
    assert places(log_records(rows)) == [0, 5, 9, 5, 10, 11, 12]


@pytest.mark.parametrize("line", CARRIERS)
def test_a_step_at_the_last_line(line: Carrier) -> None:
    rows = [line(NOON, BANNER), line(NOON + 1, "one"), line(NOON - 5, "two")]
    found = log_records(rows)
    assert [step.line for step in found.steps] == [3]
    first, last = found.records[0].at, found.records[-1].at
    assert first is not None and last is not None and last.us >= first.us


def test_the_end_behind_a_step_has_no_moment() -> None:
    import analyzer

    rows = [short(NOON, BANNER), short(NOON + 1, "one"), short(NOON - 5, "no such thing").replace("info", "fatal")]
    [start] = analyzer.analyze(analyzer.load(stdin=io.BytesIO("\n".join(rows).encode()))).report.starts
    assert start.end.kind == "failed" and start.end.at_s is None


@pytest.mark.parametrize(("fall", "steps"), [(1, 0), (2, 1), (3, 1)])
def test_what_is_certain_of_a_fall(fall: int, steps: int) -> None:
    rows = [cat(NOON, BANNER), cat(NOON + 5, "one"), *(cat(NOON + 5 - fall, f"line {n}") for n in range(6))]
    assert len(log_records(rows).steps) == steps


@pytest.mark.parametrize("line", [cat, docker])
def test_the_next_run_is_on_its_own_clock_from_its_wrapper_on(line: Carrier) -> None:
    hour = 3600
    rows = [line(NOON, BANNER), line(NOON + 1, "one"), *(line(NOON + hour + n, f"line {n}") for n in range(3))]
    front = ("Acquiring lock file /x", "Preparing data dir /x", BANNER)
    rows += [line(NOON + hour + 9, text) for text in front]
    at = [record.at.us // SECOND for record in log_records(rows).records if record.at is not None]
    assert at[4] - at[0] < hour and at[5] == at[6] == at[7] and at[5] - at[0] == hour + 9


def test_neighbours_that_changed_places_over_a_silence_are_no_step() -> None:
    rows = [cat(NOON, BANNER), cat(NOON + 20, "b"), cat(NOON + 2, "a"), *(cat(NOON + 21 + n, "x") for n in range(5))]
    assert not log_records(rows).steps


def test_a_step_between_the_announcement_and_its_process() -> None:
    starting = f"Mar 01 {clock(NOON)} node-a systemd[1]: Starting k3s.service - Lightweight Kubernetes..."
    rows = [starting, short(NOON - 3600, BANNER), short(NOON - 3599, "one"), short(NOON - 3598, "two")]
    found = log_records(rows)
    assert [record.raw for record in found.records] == rows
    assert [step.line for step in found.steps] == [2]


@pytest.mark.parametrize(("silence", "steps"), [(600, 0), (3540, 0), (3541, 1)])
def test_how_long_a_silence_of_a_process_that_starts_must_be(silence: int, steps: int) -> None:
    rows = [cat(NOON, BANNER), cat(NOON + 1, "one"), *(cat(NOON + 1 + silence + n, f"line {n}") for n in range(6))]
    assert len(log_records(rows).steps) == steps


@pytest.mark.parametrize(("by", "steps"), [(-2, 1), (-1, 0), (0, 0), (10, 0), (60, 0), (61, 1), (90, 1)])
def test_how_far_the_clock_must_go_where_a_line_says_that_it_was_set(by: int, steps: int) -> None:
    """A second to and fro is the order of lines; a minute forward may have been waited."""
    told = f"Mar 01 {clock(NOON + 1 + by)} node-a systemd[1]: Time has been changed"
    after = [short(NOON + 2 + by + n, f"line {n}").replace("1289", "1300") for n in range(3)]
    assert len(log_records([short(NOON, BANNER), short(NOON + 1, "one"), told, *after]).steps) == steps


def unset(begin: str) -> LogRecords:
    """A clock that shows this at first, and is set while the process runs; the zone changes with it."""
    stamps = [f"{begin}:58+0000", f"{begin}:59+0000", "2026-03-01T13:00:07+0100", "2026-03-01T13:00:08+0100"]
    return log_records([f"{stamp} node-a k3s[1289]: line {number}" for number, stamp in enumerate(stamps)])


def test_lines_before_an_unset_clock_was_set_lie_right_before_it_and_in_its_zone() -> None:
    found = unset("1970-01-01T00:00")
    assert [step.by_s > 1e9 for step in found.steps] == [True]
    assert places(found) == [0, 1, 1, 2]
    assert {record.clock.utc_offset for record in found.records} == {"+01:00"}


@pytest.mark.parametrize(("begin", "steps"), [("2018-12-31T23:59", 1), ("2019-01-01T00:00", 0)])
def test_a_clock_that_shows_a_time_before_there_was_k3s_was_never_set(begin: str, steps: int) -> None:
    assert len(unset(begin).steps) == steps


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Time has been changed", True),
        ("Initial clock synchronization to Sun 2026-03-01 12:00:00 UTC.", True),
        ("System clock time unset or jumped backwards, restoring", True),
        ("System clock wrong by 3600.1 seconds", True),
        ("System clock was stepped by 3600.1 seconds", True),
        ("kernel: time jumped forward", True),
        ("Clock change detected", True),
        ("Waiting for the clock to be right for the first time", False),
    ],
)
def test_words_of_a_clock_that_was_set(message: str, told: bool) -> None:
    assert is_step_signal(message) is told
