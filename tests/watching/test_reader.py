"""The law of a watch: at any moment it says what ``analyze`` says of the text so far; and its memory is bounded."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer import pipeline
from analyzer.errors import NoDataError
from analyzer.records.growing import FORGOTTEN
from analyzer.records.merge import GIVEN_TWICE
from analyzer.results import Report
from analyzer.watching.reader import MOST_LINES, StartReader
from tests.kit.continuation import generated_text, recorded_text
from tests.kit.score_recorded import CLUSTERS, RECORDED, recordings
from tests.kit.thinned import thinned

SAMPLES = Path(__file__).parents[2] / "sample_logs"
NEAR = timedelta(microseconds=100)
KEPT = sorted((SAMPLES / "recorded").glob("*.gz"))
AB = sorted((SAMPLES / "ab").glob("*.gz"))
EVERYWHERE = [*KEPT, *AB, *(path for path in recordings(RECORDED, CLUSTERS) if path not in KEPT)]


def analysed(text: bytes) -> Report | None:
    try:
        return pipeline.report_on(pipeline.read(["-"], io.BytesIO(text))[0])
    except NoDataError:
        return None


def check(path: Path, carrier: str, cuts: int) -> None:
    """The law at so many cuts of one recording."""
    pieces = recorded_text(path, carrier).pieces
    places = sorted(random.Random(f"{path.name}/{carrier}").sample(range(1, len(pieces)), min(cuts, len(pieces) - 1)))
    reader, fed = StartReader("<stdin>"), 0
    for place in (*places, len(pieces)):
        reader.feed(b"".join(pieces[fed:place]))
        fed = place
        assert_same(reader.report(), analysed(b"".join(pieces[:place])), place)


def assert_same(mine: Report | None, whole: Report | None, place: int) -> None:
    """All but some microseconds of the date: more lines of a boot tell better where its monotonic clock stands."""
    mine, whole = told(mine), told(whole)
    if mine is None or whole is None:
        assert mine is whole, place
        return
    assert len(mine.starts) == len(whole.starts), place
    dated = []
    for one, other in zip(mine.starts, whole.starts, strict=True):
        moments = {name: (getattr(one, name), getattr(other, name)) for name in ("began_at", "ended_at")}
        near = [n for n, (a, b) in moments.items() if a is not None and b is not None and abs(a - b) <= NEAR]
        dated.append(replace(one, **{name: moments[name][1] for name in near}))
    assert replace(mine, starts=tuple(dated)) == whole, place


def told(report: Report | None) -> Report | None:
    """A report without the count of lines that were let go, and of lines that repeat one of these."""
    if report is None:
        return None
    reasons = {why: count for why, count in report.ledger.reasons.items() if why not in (FORGOTTEN, GIVEN_TWICE)}
    return replace(report, ledger=replace(report.ledger, reasons=reasons))


@pytest.mark.parametrize("carrier", ["export", "short"])
@pytest.mark.parametrize("path", thinned([*KEPT, *AB[::9]], 4), ids=lambda path: path.name.removesuffix(".export.gz"))
def test_it_says_what_analyze_says_of_the_text_so_far(path: Path, carrier: str) -> None:
    check(path, carrier, 3)


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["export", "short", "cat"])
@pytest.mark.parametrize("path", EVERYWHERE, ids=lambda path: path.name.removesuffix(".export.gz"))
def test_it_says_what_analyze_says_at_fifty_moments(path: Path, carrier: str) -> None:
    check(path, carrier, 50)


@pytest.mark.parametrize("seed", thinned(range(12), 3))
def test_it_says_what_analyze_says_of_generated_journals(seed: int) -> None:
    text = generated_text(seed, "short")
    reader, fed = StartReader("<stdin>"), 0
    for place in sorted({*random.Random(seed).sample(range(1, len(text.pieces)), 4), len(text.pieces)}):
        reader.feed(b"".join(text.pieces[fed:place]))
        fed = place
        assert_same(reader.report(), analysed(b"".join(text.pieces[:place])), place)


# --- longer texts ---------------------------------------------------------------------------------------------------


def facts(report: Report | None) -> object:
    """What a report says of its starts but for the moment of the date, which is known to the microsecond only later."""
    assert report is not None
    return [replace(start, began_at=None, ended_at=None) for start in report.starts]


@pytest.mark.long
@pytest.mark.parametrize("most", thinned([300, 500], 2))
def test_earlier_starts_keep_their_reports(most: int) -> None:
    pieces = recorded_text(SAMPLES / "recorded" / "1324-killed-thrice.export.gz", "export").pieces
    reader = StartReader("<stdin>", most=most)
    for at in range(0, len(pieces), 25):
        reader.feed(b"".join(pieces[at : at + 25]))
        mine, whole = reader.report(), analysed(b"".join(pieces[: at + 25]))
        assert (mine is None) == (whole is None)
        if mine is not None and whole is not None:
            assert facts(mine) == facts(whole), at
            assert (mine.ledger.lines, mine.ledger.used) == (whole.ledger.lines, whole.ledger.used)


@pytest.mark.long
def test_a_day_of_noise_is_not_held() -> None:
    pieces = recorded_text(SAMPLES / "recorded" / "1324-fresh-25.export.gz", "export").pieces
    up = next(n for n, piece in enumerate(pieces) if b"k3s is up and running" in piece)
    reader = StartReader("<stdin>")
    reader.feed(b"".join(pieces[: up + 1]))
    before = reader.report()
    for n in range(20):
        lines = (
            pieces[up].replace(b"k3s is up and running", b"nothing to see %d" % (n * 1000 + m)) for m in range(1000)
        )
        reader.feed(b"".join(lines))
        after = reader.report()
    assert before is not None and after is not None
    assert len(reader.log.drafts) <= 2 * MOST_LINES + 1000
    assert after.ledger.lines == up + 1 + 20_000
    one, other = before.starts[0], after.starts[0]
    assert (one.outcome, one.ready, one.detected, one.polls) == (
        other.outcome,
        other.ready,
        other.detected,
        other.polls,
    )
    assert one.goals[0] == other.goals[0]


def test_the_same_line_forever_is_not_held() -> None:
    pieces = recorded_text(SAMPLES / "recorded" / "1324-fresh-25.export.gz", "export").pieces
    poll = next(n for n, piece in enumerate(pieces) if b"Polling for API" in piece)
    reader = StartReader("<stdin>")
    for n in range(12):
        number = str(n).encode()
        reader.feed(b"".join(pieces[poll].replace(b"i=", b"i=%s%d" % (number, m)) for m in range(1000)))
        reader.report()
    assert len(reader.log.drafts) <= 2 * MOST_LINES + 1000


@pytest.mark.parametrize("seed", thinned(range(12), 3))
def test_a_hole_in_an_export_is_the_same_hole(seed: int) -> None:
    """Entries that are damaged, or made of two, are judged one by one as in the whole."""
    rng, whole = random.Random(seed), (SAMPLES / "datastore-stall.export").read_bytes()
    at = rng.randrange(len(whole))
    text = whole[:at] + whole[at + int(10 ** rng.uniform(1.5, 4.5)) :]
    reader = StartReader("<stdin>")
    for first in range(0, len(text), 10_007):
        reader.feed(text[first : first + 10_007])
    reader.finish()
    assert_same(reader.report(), analysed(text), seed)
