"""The whole pipeline on spliced, shuffled and bent lines of real journals: it ends well, whatever comes in."""

from __future__ import annotations

import io
import json
import os
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import analyzer
from analyzer.errors import BadInputError, NoDataError
from analyzer.reports import json_report
from analyzer.window import Window
from tests.kit.score_recorded import RECORDED, carrier_bytes

# Without derandomising, a rare find would turn an unrelated change red; the slow suite explores.
EXPLORE = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
STEADY = settings(EXPLORE, derandomize=True, max_examples=int(os.environ.get("K3SLOG_FUZZ", "60")))
POOL = ("1324-killed-thrice", "1324-fresh-15", "1303-wrong-token", "1324-cri-missing", "1350-bad-apiserver-arg")


@cache
def lines_of(carrier: str) -> tuple[bytes, ...]:
    """Lines of several recordings in one carrier."""
    return tuple(
        line for name in POOL for line in carrier_bytes(RECORDED / f"{name}.export.gz", carrier).splitlines(True)
    )


@st.composite
def spliced(draw: st.DrawFn) -> bytes:
    """Slices of several journals one after the other, some lines cut, doubled, glued or bent."""
    carrier = draw(st.sampled_from(["short", "iso", "json", "cat", "export"]))
    pool = lines_of(carrier)
    pieces: list[bytes] = []
    for _ in range(draw(st.integers(1, 5))):
        begin = draw(st.integers(0, len(pool) - 1))
        pieces += pool[begin : begin + draw(st.integers(1, 120))]
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(pieces) - 1))
        line = pieces[at]
        match draw(st.sampled_from(["cut", "double", "glue", "bend", "swap", "noise"])):
            case "cut":
                pieces[at] = line[: draw(st.integers(0, len(line)))]
            case "double":
                pieces.insert(at, line)
            case "glue":
                pieces[at] = line.rstrip(b"\n")
            case "bend":
                where = draw(st.integers(0, max(0, len(line) - 1)))
                pieces[at] = line[:where] + draw(st.binary(min_size=1, max_size=3)) + line[where + 1 :]
            case "swap":
                other = draw(st.integers(0, len(pieces) - 1))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case "noise":
                pieces.insert(at, draw(st.binary(max_size=40)) + b"\n")
    return b"".join(pieces)


def _sound(window: Window) -> bool:
    return not window.contradicts_itself


def check_pipeline(content: bytes) -> None:
    """Analyse ``content`` and hold every report of it to what must be true of any report."""
    try:
        analysis = analyzer.analyze(analyzer.load(stdin=io.BytesIO(content)))
    except (BadInputError, NoDataError):
        return
    report = analysis.report
    ledger = report.ledger
    assert ledger.used + ledger.ignored + ledger.malformed + ledger.lossy == ledger.lines
    assert [s.index for s in report.starts] == list(range(1, len(report.starts) + 1))
    for start in report.starts:
        assert _sound(start.ready)
        assert _sound(start.detected)
        assert all(_sound(c.cleared) for c in start.checks)
        assert len({c.name for c in start.checks}) == len(start.checks)
        stamps = [p.at_s for p in start.polls if p.at_s is not None]
        assert stamps == sorted(stamps)
        if start.outcome == "ready":
            assert start.ready.upper is not None or start.began_at is None or start.clock.steps
    assert json.loads(json_report.render(report))["schema"] == "k3slog.report"
    assert "\x1b" not in analysis.to_text()


@pytest.mark.long
def test_the_journals_are_analysed_before_they_are_spliced() -> None:
    """Else everything below could pass on input that nothing is found in."""
    for carrier in ("short", "iso", "json", "cat", "export"):
        content = b"".join(lines_of(carrier))
        assert len(analyzer.analyze(analyzer.load(stdin=io.BytesIO(content))).report.starts) >= 5
        check_pipeline(content)


@pytest.mark.long
@STEADY
@given(spliced())
def test_spliced_journals(content: bytes) -> None:
    check_pipeline(content)


@STEADY
@given(st.binary(max_size=2000))
def test_any_bytes(content: bytes) -> None:
    check_pipeline(content)


@pytest.mark.slow
@settings(EXPLORE, max_examples=1500)
@given(spliced())
def test_spliced_journals_at_length(content: bytes) -> None:
    check_pipeline(content)
