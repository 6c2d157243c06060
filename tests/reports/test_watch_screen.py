"""The screen of a watch says where a start stands, and no more than is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.reports import watch_screen
from analyzer.reports.format import Options
from analyzer.results import Report
from analyzer.watching.history import History
from analyzer.watching.reader import StartReader
from tests.kit.continuation import recorded_text

RECORDED = Path(__file__).parents[2] / "sample_logs" / "recorded"


def report(words: bytes | None, name: str = "1324-fresh-25", count: int = 1) -> Report | None:
    """The report on a recording up to the ``count``-th line with these words."""
    pieces = recorded_text(RECORDED / f"{name}.export.gz", "export").pieces
    places = [n for n, piece in enumerate(pieces) if words is None or words in piece]
    reader = StartReader("<stdin>")
    reader.feed(b"".join(pieces[: places[count - 1] + 1]) if words is not None else b"".join(pieces))
    return reader.report()


def shown(of: Report | None, since_s: float = 0.0, until: str | None = None, history: History | None = None) -> str:
    return watch_screen.render(watch_screen.screen(of, since_s, until, history), Options(width=100))


def test_nothing_yet() -> None:
    assert shown(None, 12.3) == "Waiting for k3s or RKE2 to write something (12 s).\n"


def test_a_start_under_way() -> None:
    told = shown(report(b"readyz check failed"), 2.0)
    assert told.startswith("k3s server v1.32.4+k3s1 (k3s.service on vm)\n")
    assert "Now      Starting for 11.5 s, not seen ready; not ready at 8.2 s for certain." in told
    assert "Phase    Checks and post-start hooks, for 4.3 s" in told
    assert "Failing  rbac/bootstrap-roles: seen failing" in told
    assert "Answer   1 check failing: rbac/bootstrap-roles at 9.5 s, 2.0 s ago; only changes are printed" in told
    assert "Until    goal api." in told


def test_time_goes_on_between_lines() -> None:
    so_far = report(b"Polling for API")
    assert "Starting for 3.5 s" in shown(so_far)
    assert "Starting for 13.5 s" in shown(so_far, 10.0)


def test_a_ready_start() -> None:
    told = shown(report(b"k3s is up and running"), until="node_ready")
    assert "Now      Ready between 9.89 and 10.01 s" in told
    assert "Phase" not in told
    assert "Until    goal node_ready." in told


def test_a_failed_try_and_the_next_one() -> None:
    failed = shown(report(b"Failed with result", "1324-killed-thrice"))
    assert "Failed: the process ended" in failed
    assert "Waiting for the next try." in failed
    assert "Why      The process was killed" in failed
    assert "after 2 failed tries" in shown(report(b"Polling for API", "1324-killed-thrice", 5))


@pytest.mark.long
def test_it_has_room_on_a_small_terminal() -> None:
    for name in ("1324-killed-thrice", "1350-quorum-lost-15min", "1324-pg-40ms"):
        for width in (40, 80):
            told = watch_screen.render(watch_screen.screen(report(None, name), 0.0), Options(width=width))
            assert len(told.splitlines()) <= 20
            assert max(map(len, told.splitlines())) <= width


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "[bold]no markup[/bold]"])
def test_words_of_a_log_are_only_text(text: str) -> None:
    made = watch_screen.Screen((("", text, "", 2),))
    told = watch_screen.render(made, Options(width=80, color=True))
    assert "\x1b[2J" not in told
    assert "[bold]" in told or "bold" not in text
