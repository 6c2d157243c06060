"""Lines that stand in no order within a second are put in a possible one, and only where that is shown."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import pytest

from analyzer.records import LogRecords, read_log_records

HEAD = "Mar 01 06:03:{:02d} node-a "


def own(second: int, text: str, pid: int = 1289, level: str = "info") -> str:
    return HEAD.format(second) + f'k3s[{pid}]: time="2026-03-01T06:03:{second:02d}Z" level={level} msg="{text}"'


def klog(second: int, micro: int, text: str, pid: int = 1289) -> str:
    return HEAD.format(second) + f"k3s[{pid}]: I0301 06:03:{second:02d}.{micro:06d}    {pid} a.go:1] {text}"


def systemd(second: int, text: str) -> str:
    return HEAD.format(second) + f"systemd[1]: {text}"


STARTING, STARTED = "Starting k3s.service - Lightweight Kubernetes...", "Started k3s.service - Lightweight Kubernetes."
BANNER = "Starting k3s v1.33.4+k3s1 (148243c4)"
LOG = [
    [
        systemd(22, STARTING),
        own(22, "Acquiring lock file /x"),
        own(22, BANNER),
        own(22, "Configuring sqlite3 database connection pooling: maxIdleConns=2"),
        own(22, "Kine available at unix://kine.sock"),
        *(klog(22, 100_000 * n, f"line {n}") for n in range(4, 9)),
    ],
    [
        *(klog(23, 100_000 * n, f"line {n}") for n in range(1, 8)),
        klog(23, 800_000, "a,b check failed: readyz"),
        HEAD.format(23) + "k3s[1289]: [+]ping ok",
        HEAD.format(23) + "k3s[1289]: [-]a failed: reason withheld",
        HEAD.format(23) + "k3s[1289]: [-]b failed: reason withheld",
    ],
    [
        *(klog(24, 100_000 * n, f"line {n}") for n in range(1, 8)),
        own(24, "k3s is up and running"),
        systemd(24, STARTED),
    ],
    [own(29, "no such thing", level="fatal"), systemd(29, "k3s.service: Main process exited, code=exited, status=1/F")],
]


def log_records(rows: Sequence[str]) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def shuffled(log: Sequence[Sequence[str]], seed: int) -> list[str]:
    dice = random.Random(seed)
    return [row for second in log for row in dice.sample(list(second), len(second))]


@pytest.mark.parametrize("seed", range(20))
def test_a_text_in_no_order_within_its_seconds(seed: int) -> None:
    found = log_records(shuffled(LOG, seed))
    told = [r.message for r in found.records]
    in_order = log_records([row for second in LOG for row in second]).records
    fine = [r.message for r in in_order if r.message.startswith("line ")]
    assert [m for m in told if m.startswith("line ")] == fine
    assert told[0] == STARTING and told[2] == BANNER
    assert told.index("Kine available at unix://kine.sock") > 2
    head = told.index("a,b check failed: readyz")
    assert {m[:4] for m in told[head + 1 : head + 4]} == {"[+]p", "[-]a", "[-]b"}
    assert told.index("k3s is up and running") < told.index(STARTED)
    assert told[-2] == "no such thing" and "exited" in told[-1]
    assert "no order" in found.notes[0][0]
    assert {r.unordered for r in found.records if r.message.startswith("line ")} == {False}
    assert all(r.unordered for r in found.records if r.message == "Kine available at unix://kine.sock")


def test_threads_that_overtake_one_another_are_in_order() -> None:
    dice = random.Random(1)
    micros = [100_000 * n + dice.randrange(40_000) for n in range(9) for _ in range(3)]
    rows = [klog(22, micro, f"line {n}") for n, micro in enumerate(micros)]
    found = log_records(rows)
    assert [r.raw for r in found.records] == rows
    assert not any(r.unordered for r in found.records) and not found.notes


def test_lines_above_the_banner_of_their_process_are_put_below_it() -> None:
    rows = [
        own(22, "Opening etcd client"), own(22, "no such thing", level="fatal"),
        systemd(22, "k3s.service: Main process exited, code=exited, status=1/FAILURE"), systemd(22, STARTING),
        own(22, BANNER),
    ]  # fmt: skip
    told = [r.message for r in log_records(rows).records]
    assert told[:2] == [STARTING, BANNER] and told[3] == "no such thing" and "exited" in told[4]


def test_a_process_that_follows_another_one_within_the_second_stays_behind_it() -> None:
    old = [*(klog(21, 100_000 * n, f"old {n}", 1200) for n in range(9)), own(22, "stopped", 1200, "fatal")]
    end = systemd(22, "k3s.service: Main process exited, code=exited, status=1/FAILURE")
    new = [systemd(22, STARTING), own(22, BANNER)]
    seconds = [old[:9], [old[9], end, *new, *LOG[0][5:]], LOG[1]]
    for seed in range(10):
        told = [r.message for r in log_records(shuffled(seconds, seed)).records]
        assert told[9] == "stopped" and "exited" in told[10] and told[11:13] == [STARTING, BANNER], seed


def test_fine_stamps_of_the_carrier_tell_the_order() -> None:
    row = '2026-03-01T06:03:{:02d}.{:03d}000000Z time="2026-03-01T06:03:{:02d}Z" level=info msg="line {}"'
    seconds = [[row.format(s, 90 * n, s, f"{s}.{n}") for n in range(10)] for s in (22, 23, 24)]
    whole = [line for second in seconds for line in second]
    assert [r.raw for r in log_records(shuffled(seconds, 3)).records] == whole
    assert [r.raw for r in log_records(whole).records] == whole


def test_what_was_missing_within_a_second_is_missing_before_it() -> None:
    rows = shuffled(LOG, 5)
    rows.insert(len(LOG[0]) + 4, "--")
    lost = [r for r in log_records(rows).records if r.lost_before]
    assert len(lost) == 1 and " 06:03:23 " in lost[0].raw


def test_bare_lines_above_the_banner_with_which_the_text_begins() -> None:
    def bare(text: str, level: str = "info") -> str:
        return f'time="2026-03-01T06:03:22Z" level={level} msg="{text}"'

    texts = ["Kine available at unix://kine.sock", "Acquiring lock file /x", BANNER]
    told = [r.message for r in log_records([bare(text) for text in texts]).records]
    assert told == ["Acquiring lock file /x", BANNER, "Kine available at unix://kine.sock"]
    ended = [bare("something"), bare("no such thing", "fatal"), bare(BANNER)]
    assert [r.raw for r in log_records(ended).records] == ended


def test_a_stop_stands_above_what_it_lets_through() -> None:
    dump = ["goroutine 349 [running]:", "panic: runtime error"]
    rows = [*dump, "Kube API server is now running", "signal received: x", BANNER]
    said = [own(22, row) if row[:1] not in "gp" else HEAD.format(22) + f"k3s[1289]: {row}" for row in rows[:3]]
    said += [own(22, rows[3]), own(22, rows[4])]
    told = [r.message for r in log_records(said).records]
    assert told == [BANNER, *rows[3:1:-1], rows[1], rows[0]]


def bare(second: int, text: str, level: str = "info") -> str:
    return f'time="2026-03-01T06:03:{second:02d}Z" level={level} msg="{text}"'


def messages(rows: list[str]) -> list[str]:
    return [record.message for record in log_records(rows).records]


FIRST = [BANNER, "Configuring sqlite3 x", "Kine available at unix://kine.sock", "Running kube-apiserver --x"]


def test_the_order_of_first_words_tells_without_pid() -> None:
    mixed = [FIRST[3], FIRST[0], FIRST[2], FIRST[1]]
    rows = [bare(20, "something"), *(bare(22, text) for text in mixed), bare(23, "more")]
    assert messages(rows)[2:5] != mixed[1:]
    assert messages(rows)[1] == BANNER
    inorder = [bare(20, "something"), bare(22, "gone", "fatal"), *(bare(22, text) for text in FIRST)]
    assert [record.raw for record in log_records(inorder).records] == inorder


@pytest.mark.parametrize(("goes_on", "first"), [(True, "no such thing"), (False, BANNER)])
def test_last_words_beside_a_banner_are_of_who_does_not_go_on(goes_on: bool, first: str) -> None:
    mixed = [bare(22, FIRST[2]), bare(22, FIRST[1]), bare(22, BANNER), bare(22, "no such thing", "fatal")]
    mixed += [bare(22, FIRST[3]), bare(22, "Database tables and indexes are up to date")]
    rows = [bare(10, BANNER), bare(11, "something"), *mixed, *([bare(23, "more")] if goes_on else [])]
    told = messages(rows)[2:8]
    assert told[0] == first
    assert told.index(BANNER) < told.index(FIRST[1]) < told.index(FIRST[2]) < told.index(FIRST[3])


def test_fine_stamps_of_the_carrier_order_a_second() -> None:
    def fine(micro: int, text: str) -> str:
        return f"2026-03-01T06:03:22.{micro:06d}Z " + bare(22, text)

    rows = [fine(1000 * n, text) for n, text in enumerate([*FIRST, "more"])]
    assert [record.raw for record in log_records([rows[2], rows[0], *rows[3:], rows[1]]).records] == [
        record.raw for record in log_records(rows).records
    ]


def test_an_announcement_behind_the_only_run_s_end() -> None:
    ended = [own(22, "no such thing", level="fatal"), systemd(22, "k3s.service: Failed with result 'exit-code'.")]
    assert messages([*ended, systemd(22, STARTING)])[0] == STARTING
    waited = [*ended, systemd(22, "k3s.service: Scheduled restart job, restart counter is at 1.")]
    assert messages([*waited, systemd(22, STARTING)])[-1] == STARTING


@pytest.mark.parametrize(
    ("falls", "pairs", "by", "kept"),
    [(3, 30, 50_001, False), (3, 31, 50_001, True), (2, 8, 50_001, True), (3, 8, 50_001, False), (3, 8, 50_000, True)],
)
def test_how_often_and_how_far_stamps_must_fall(falls: int, pairs: int, by: int, kept: bool) -> None:
    micros = [500_000]
    for number in range(pairs):
        step = (-by if number % 2 == 0 else by) if number < 2 * falls else 1000
        micros.append(micros[-1] + step)
    rows = [klog(22, micro, f"line {number}") for number, micro in enumerate(micros)]
    assert ([record.raw for record in log_records(rows).records] == rows) is kept


@pytest.mark.parametrize(("second", "place"), [(30, 8), (29, 9)])
def test_ten_seconds_back_a_line_is_out_of_place_and_further_the_clock_was_set(second: int, place: int) -> None:
    mixed = [klog(30, 100_000 * micro, f"line {micro}") for micro in (2, 1, 4, 3, 6, 5, 8, 7)]
    found = log_records([*mixed, klog(40, 100_000, "later"), klog(second, 950_000, "back")]).records
    assert [record.message for record in found].index("back") == place


@pytest.mark.parametrize(("fine", "kept"), [(6, True), (7, False)])
def test_stamps_of_the_carrier_count_where_most_lines_have_fine_ones(fine: int, kept: bool) -> None:
    """Of twelve lines; the logrus lines tell no order of their own."""
    micros = (200, 100, 400, 300, 600, 500, 700)
    stamps = [f"2026-03-01T06:03:22.{micro}000Z" for micro in micros[:fine]] + ["2026-03-01T06:03:22Z"] * (12 - fine)
    rows = [f"{stamp} {bare(22, f'line {number}')}" for number, stamp in enumerate(stamps)]
    assert ([record.raw for record in log_records(rows).records] == rows) is kept
