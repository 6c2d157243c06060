"""When a watch ends and with what, and how soon it tells: on a clock of its own."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest

from analyzer.watching.judge import Judge, UntilName
from tests.kit.replay import timed
from tests.kit.score_recorded import read_export
from tests.kit.scripted import watched

RECORDED = Path(__file__).parents[2] / "sample_logs" / "recorded"


@cache
def pieces(name: str, carrier: str = "export") -> tuple[tuple[float, bytes], ...]:
    rows = read_export(gzip.decompress((RECORDED / f"{name}.export.gz").read_bytes()))
    return tuple(timed(rows, carrier))


def until_line(name: str, words: bytes, *, count: int = 1) -> tuple[tuple[float, bytes], ...]:
    """A recording up to the ``count``-th entry with these words."""
    places = [n for n, (_, piece) in enumerate(pieces(name)) if words in piece]
    return pieces(name)[: places[count - 1] + 1]


def test_it_ends_when_the_api_server_is_ready_and_says_so_within_a_third_of_a_second() -> None:
    ending, heard = watched(pieces("1324-fresh-25"))
    assert (ending.verdict, ending.goal) == ("reached", "api")
    [noticed] = [at for at, piece in pieces("1324-fresh-25") if b"Kube API server is now running" in piece]
    [told] = [at for at, event in heard.events if event.event == "goal" and event.part.id == "api"]  # type: ignore[union-attr]
    assert noticed <= told <= noticed + 0.3


def test_every_line_that_decides_something_is_told_within_a_third_of_a_second() -> None:
    _, heard = watched(pieces("1324-fresh-25"), Judge("end"))
    first = pieces("1324-fresh-25")[0][0]
    for at, event in heard.events:
        if event.event in ("poll", "outcome", "end") and event.at_s is not None:
            assert at - (event.at_s + first) <= 0.35, event


@pytest.mark.parametrize("until", ["started", "end"])
def test_other_goals(until: UntilName) -> None:
    ending, _ = watched(pieces("1324-fresh-25"), Judge(until))
    assert (ending.verdict, ending.goal) == ("reached", until)


def test_the_next_try_is_followed() -> None:
    ending, heard = watched(pieces("1324-killed-thrice"))
    assert ending.verdict == "reached"
    assert ending.start is not None and ending.start.index == 4
    outcomes = [(event.start.index, event.start.outcome) for _, event in heard.events if event.event == "outcome"]
    assert outcomes == [(1, "failed"), (2, "failed"), (3, "failed"), (4, "ready")]


def test_tries_give_up() -> None:
    ending, _ = watched(pieces("1324-killed-thrice"), Judge(tries=2))
    assert (ending.verdict, ending.why) == ("failed", "2 of 2 tries failed")


def test_a_failed_start_that_is_not_tried_again_ends_it() -> None:
    failed = until_line("1324-killed-thrice", b"Failed with result")
    ending, heard = watched(failed)
    assert ending.verdict == "failed"
    assert 60 <= heard.source.at - failed[-1][0] <= 62
    ending, heard = watched(failed, over=True)
    assert ending.verdict == "failed"
    assert heard.source.at - failed[-1][0] < 2


def test_a_journal_that_stops_growing_times_out() -> None:
    ending, heard = watched(until_line("1324-fresh-25", b"Polling for API"), timeout_s=300.0)
    assert ending.verdict == "timed_out"
    assert heard.source.at == pytest.approx(300.0, abs=0.3)
    assert heard.looks < 15


def test_an_input_that_ends_first_is_undecided() -> None:
    ending, _ = watched(until_line("1324-fresh-25", b"Polling for API"), over=True)
    assert ending.verdict == "undecided"


def test_nothing_of_k3s() -> None:
    lines = [(0.1 * n, b"Mar 01 06:00:00 box cron[1]: (root) CMD (true)\n") for n in range(30)]
    assert watched(lines, over=True)[0].verdict == "no_data"
    assert watched([], over=True)[0].verdict == "no_data"
    assert watched(lines, timeout_s=20.0)[0].verdict == "timed_out"


def test_starts_before_the_last_one_that_stood_there_do_not_count() -> None:
    name = "1324-killed-thrice"
    there = until_line(name, b"Failed with result", count=2)
    rest = pieces(name)[len(there) :]
    grows = [
        (0.0, b"".join(piece for _, piece in there)),
        *((1.0 + n * 0.01, piece) for n, (_, piece) in enumerate(rest)),
    ]
    ending, heard = watched(grows)
    assert ending.verdict == "reached"
    assert {event.start.index for _, event in heard.events} == {2, 3, 4}
    given_up, _ = watched(grows, Judge(tries=2))
    assert given_up.start is not None and given_up.start.index == 3


@pytest.mark.long
def test_noise_is_seldom_analysed() -> None:
    """Two hundred lines a second that decide nothing, for a minute, behind a start that is up."""
    start = list(until_line("1324-fresh-25", b"k3s is up and running"))
    noise = next(piece for _, piece in reversed(start) if b"level=info" in piece)
    end = start[-1][0]
    more = [(end + n / 200, noise.replace(b"MESSAGE=", b"MESSAGE=%d " % n)) for n in range(12_000)]
    _, heard = watched([*start, *more], Judge("end"), timeout_s=end + 60)
    assert heard.looks < 120
