"""Polls: the grid they are on, when each printed one left, and the ones that were not printed.

The poller of today asks every 2 s on a non-sliding ticker (k3s ``pkg/util/api.go``, apimachinery ``util/wait``): a
slow answer lets the queued tick fire at once and the grid goes on as before; measured, its phase never moved, not
even across a 12 s freeze. A line is printed only when the error text changed, when the answer has been read. So a
printed line's stamp is at or after its tick, and between two printed lines every tick was answered alike.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyzer.analysis.line_times import LineTimes
from analyzer.events.event import PollLine, PollUnchanged
from analyzer.events.redaction import mask_secrets
from analyzer.events.versions import PollerSpec, poller, poller_for
from analyzer.records.log_record import LogRecord
from analyzer.results import Poll, PollerNote
from analyzer.starts.start import Start, Verdict
from analyzer.timebase import SECOND
from analyzer.window import Window

# The contract's numbers: a tenth of the interval after a tick counts as on it; the fitted phase is late by the
# latency of the fastest answer (3 to 50 ms on healthy servers).
ON_GRID = 0.1
PHASE_SLACK_S = 0.05
REQUEST_LIMIT_S = 15.0  # k3s asks with timeout=15s
PROMPT_S = 0.1  # a line that the journal took down later than this after it was written is on no tick
_EARLY_S = 0.4
_MAX_IMPLIED = 20_000


@dataclass(frozen=True, slots=True)
class Grid:
    """A fitted ticker: ticks at ``phase_s + k · interval_s``; ``locked`` stamps lie on it, spread by ``rms_s``."""

    interval_s: float
    phase_s: float
    locked: int
    rms_s: float
    stamps: int = 0  # how many there were to fit, the visibly late ones among them
    slack_s: float = PHASE_SLACK_S  # by how much the phase may be late

    @property
    def reliable(self) -> bool:
        """Whether nearly all answers came right after a tick, and more than a chance agreement of two says so.

        On a starved server an answer that seems punctual may be late by whole ticks.
        """
        few_late = self.locked >= 3 and self.stamps - self.locked <= max(1, self.stamps // 4)
        return self.locked == self.stamps or (few_late and self.rms_s <= ON_GRID * self.interval_s / 2)

    def tick_at_or_before(self, moment_s: float) -> float:
        """The last tick not after ``moment_s`` (a little early answer still counts as after its tick)."""
        k = math.floor((moment_s - self.phase_s + PHASE_SLACK_S) / self.interval_s)
        return self.phase_s + k * self.interval_s

    def on_grid(self, moment_s: float) -> bool:
        """Whether an answer read at ``moment_s`` lies within a tenth of the interval after a tick."""
        return moment_s - self.tick_at_or_before(moment_s) < ON_GRID * self.interval_s


@dataclass(frozen=True, slots=True)
class Sighting:
    """One printed poll with what can be said about its times.

    ``departed_s`` is a lower bound of when the request left, ``read_s`` an upper bound of when the answer was read;
    the state in it is of some moment between. ``None``: not stamped.
    """

    line: PollLine
    departed_s: float | None
    read_s: float | None
    stamp_s: float | None
    on_grid: bool


@dataclass(frozen=True, slots=True)
class PollFacts:
    """All that the poll lines of a start say."""

    spec: PollerSpec
    sightings: Sequence[Sighting]
    unchanged: Sequence[LogRecord]
    grid: Grid | None
    stop_s: float | None  # when a stop began
    # Sightings after which lines were lost: what was answered next is not known to be the same.
    uncertain: frozenset[int]
    # The tick before the successful one, less the slack: a bound of the contract's grid rule; None where not allowed.
    last_failed_tick_s: float | None = None
    # The tick of the successful request itself, under the same condition.
    success_tick_s: float | None = None


def read_polls(start: Start, verdict: Verdict, line_times: LineTimes) -> PollFacts:
    """Fits the grid and places every printed poll of a start."""
    spec = poller_for(start.version)
    lines = [event for event in start.events if isinstance(event, PollLine)]
    unchanged = [event.record for event in start.events if isinstance(event, PollUnchanged)]
    success = _success_stamp(verdict, line_times)
    answered = [*(line.record for line in lines), *unchanged]
    read = [s for r in answered if exact(r, line_times) and (s := line_times.point(r)) is not None]
    read += [success] if success is not None else []
    interval = (spec.interval_s if spec.kind == "shared-2s" else None) or 2.0
    overtaken = _overtaken(read, interval)
    grid = None
    if lines:
        fine = [stamp for stamp in read if stamp not in overtaken]
        late = sum(not exact(line.record, line_times) for line in lines) + len(overtaken)
        grid = _calibrated(fit_grid(fine, interval), fine, late, line_times)
    ends = [*(line.record.seq for line in lines[1:]), verdict.detected.seq if verdict.detected is not None else None]
    lost = (i for i, line in enumerate(lines) if start.filtered or start.lost_between(line.record.seq, ends[i]))
    facts = PollFacts(
        spec=spec,
        sightings=_sightings(start, lines, unchanged, line_times, (grid, overtaken)),
        unchanged=unchanged,
        grid=grid,
        stop_s=line_times.earliest(verdict.stop_sign) if verdict.stop_sign is not None else None,
        uncertain=frozenset(lost),
    )
    return facts if success in overtaken else _with_grid_rule(facts, start, verdict, line_times, success)


def _sightings(
    start: Start,
    lines: Sequence[PollLine],
    unchanged: Sequence[LogRecord],
    line_times: LineTimes,
    fitted: tuple[Grid | None, set[float]],
) -> list[Sighting]:
    """The printed polls; ``fitted`` is the grid, and the stamps that are on no tick."""
    grid, overtaken = fitted
    begin = start.first_of_process if start.begin_seen else None
    floor = line_times.earliest(begin) if begin is not None else None
    attempts = sorted((*(line.record for line in lines), *unchanged), key=lambda r: r.seq)
    before = {attempt.seq: previous for previous, attempt in itertools.pairwise(attempts)}
    found: list[Sighting] = []
    for line in lines:
        record = line.record
        stamp = line_times.point(record)
        punctual = stamp is not None and stamp not in overtaken and exact(record, line_times)
        on_grid = bool(grid and punctual and stamp is not None and grid.on_grid(stamp))
        departed = line_times.earliest(before[record.seq]) if record.seq in before else floor
        if departed is None:
            departed = _within_limit(record, line_times)
        # Whether an answer that lies on the grid may be taken to have left at its tick.
        trusted = on_grid and grid is not None and grid.reliable and not _silent_before(record, start, grid)
        if trusted and grid is not None and stamp is not None:
            tick = grid.tick_at_or_before(stamp) - grid.slack_s
            departed = tick if departed is None else max(departed, tick)
        found.append(Sighting(line, departed, line_times.latest(record), stamp, on_grid))
    return found


def _within_limit(record: LogRecord, line_times: LineTimes) -> float | None:
    """The earliest that the first answer of a fragment can be about: its request left within the client's limit.

    ``None`` where that reaches back before the text.
    """
    read = line_times.earliest(record)
    return read - REQUEST_LIMIT_S if read is not None and read >= REQUEST_LIMIT_S else None


def exact(record: LogRecord, line_times: LineTimes) -> bool:
    """Whether a line's arrival can tell which tick it belongs to."""
    return line_times.fine(record) and line_times.prompt(record, PROMPT_S)


def _overtaken(stamps_s: Sequence[float], interval_s: float) -> set[float]:
    """Answers that the next one followed sooner than a tick allows: they were read long after their own tick.

    Two requests of one ticker leave a whole interval apart, or the second right after a first that took longer than
    that. So of two answers closer together, the first was late, and the second may have left on no tick.
    """
    found: set[float] = set()
    ordered = sorted(stamps_s)
    for before, after in itertools.pairwise(ordered):
        if after - before < (1 - ON_GRID) * interval_s:
            found.add(before)
            if after - before < interval_s / 4:
                found.add(after)
    return found


def _success_stamp(verdict: Verdict, line_times: LineTimes) -> float | None:
    """When the successful answer was read, where a line is printed right then; an agent's waits for its network."""
    line = verdict.detected
    if line is None or not exact(line, line_times) or not line.message.startswith("Kube API server"):
        return None
    first = verdict.behind_gate or line  # others wait for the same answer, and may write first
    stamps = [
        line_times.point(line),
        line_times.point(first) if exact(first, line_times) else line_times.latest(first),
    ]
    return min((stamp for stamp in stamps if stamp is not None), default=None)


def fit_grid(stamps_s: Sequence[float], interval_s: float) -> Grid | None:
    """The phase on which most answers lie within a tenth of the interval after a tick; two must agree.

    ``stamps_s`` are times at which answers were read, in seconds. The phase is that of the fastest answer.
    """

    def fit(candidate: float) -> tuple[int, float, float, list[float]]:
        offsets = ((stamp - candidate) % interval_s for stamp in stamps_s)
        folded = (offset - interval_s if offset > interval_s - PHASE_SLACK_S else offset for offset in offsets)
        near = [offset for offset in folded if offset < ON_GRID * interval_s]
        early = min(near)
        spread = [offset - early for offset in near]
        return len(near), -sum(spread) / len(near), candidate + early, spread

    if len(stamps_s) < 2:
        return None
    locked, _, phase, spread = max(map(fit, stamps_s), key=lambda found: found[:2])
    if locked < 2:
        return None
    return Grid(interval_s, phase, locked, math.sqrt(sum(r * r for r in spread) / locked), len(stamps_s))


def _calibrated(grid: Grid | None, stamps_s: Sequence[float], late: int, line_times: LineTimes) -> Grid | None:
    """The grid with a slack that covers the journal's lag and the answers that came shortly before a tick.

    A stamp shortly before a tick was read nearly an interval late, or the whole phase is late by that little: on a
    slow server all answers but one may have taken the same tenths of a second.
    """
    if grid is None:
        return None
    offsets = [((s - grid.phase_s + PHASE_SLACK_S) % grid.interval_s - PHASE_SLACK_S, s) for s in stamps_s]
    earliest = min(offset for offset, _ in offsets)
    lag = max(line_times.lag_s(stamp) for offset, stamp in offsets if offset - earliest < 0.001)
    early = max(
        (grid.interval_s - offset for offset, _ in offsets if grid.interval_s - offset <= _EARLY_S), default=0.0
    )
    return replace(grid, slack_s=PHASE_SLACK_S + lag + early, stamps=grid.stamps + late)


def _silent_before(record: LogRecord, start: Start, grid: Grid) -> bool:
    """Whether the process was silent for more than two intervals just before a line, or lines were lost there."""
    stamp = record.at or record.inner_at
    before = (r.at or r.inner_at for r in reversed(start.process) if r.seq < record.seq)
    last = next((earlier for earlier in before if earlier is not None), None)
    if stamp is None or last is None or record.gap_before:
        return True
    return stamp.us - last.us > 2 * grid.interval_s * SECOND


def _with_grid_rule(
    facts: PollFacts, start: Start, verdict: Verdict, line_times: LineTimes, success: float | None
) -> PollFacts:
    """The contract's grid rule: the tick before the successful one bounds readiness from below, where it may."""
    grid, noticed = facts.grid, verdict.detected
    if success is None or grid is None or noticed is None or not facts.sightings or start.filtered:
        return facts
    if not grid.reliable or not grid.on_grid(success) or _silent_before(noticed, start, grid):
        return facts
    tick = grid.tick_at_or_before(success)
    before = tick - grid.interval_s - grid.slack_s
    last = facts.sightings[-1].stamp_s
    allowed = last is not None and before >= last - grid.interval_s - grid.slack_s
    return replace(facts, success_tick_s=tick - grid.slack_s, last_failed_tick_s=before if allowed else None)


def implied_before(facts: PollFacts, index: int) -> float | None:
    """The departure of the last unprinted poll that still gave the text of sighting ``index``.

    Where the next printed line (or the success) lies on the grid, the tick before it was answered with the old text.
    """
    grid = facts.grid
    if grid is None or not grid.reliable or index in facts.uncertain:
        return None
    if index + 1 < len(facts.sightings):
        following = facts.sightings[index + 1]
        if not following.on_grid or following.stamp_s is None:
            return None
        tick = grid.tick_at_or_before(following.stamp_s) - grid.interval_s
    elif facts.success_tick_s is not None:
        tick = facts.success_tick_s + grid.slack_s - grid.interval_s
    else:
        return None
    if facts.stop_s is not None and tick > facts.stop_s:
        tick = grid.tick_at_or_before(facts.stop_s)  # what is answered after a stop began proves nothing
    own = facts.sightings[index].stamp_s
    if own is None or tick < own:
        return None  # the tick before is this very poll, or earlier
    return tick - grid.slack_s


def rows(
    facts: PollFacts, start: Start, verdict: Verdict, line_times: LineTimes, ready: Window
) -> tuple[list[Poll], PollerNote]:
    """Every attempt from the first printed one on, and the note on the poller.

    An unprinted attempt is only told as failing up to the moment until which the server is proved not to have been
    ready: after it, nobody knows what the answer was or whether a slow request took the place of several.
    """
    spec = poller("shared-2s") if facts.spec.kind == "unknown" and facts.sightings else facts.spec
    result: list[Poll] = []
    if facts.sightings:
        for index, sighting in enumerate(facts.sightings):
            result.append(_printed(sighting))
            result.extend(_proved(_between(facts, index, start, verdict, line_times), facts, verdict, ready))
        if verdict.detected is not None:
            result.append(
                Poll(
                    at_s=line_times.latest(verdict.detected), printed=False, error=None, source=verdict.detected.source
                )
            )
        # A spliced text may go back in time; without a stamp a row stays where the text has it.
        if all(poll.at_s is not None for poll in result):
            result.sort(key=lambda poll: poll.at_s or 0.0)
    implied = sum(1 for poll in result if not poll.printed and poll.error is not None)
    grid = facts.grid
    note = PollerNote(
        kind=spec.kind,
        interval_s=spec.interval_s,
        prints_polls=spec.prints_polls,
        printed=len(facts.sightings),
        implied=implied,
        grid_rms_s=grid.rms_s if grid else None,
        grid_phase_s=grid.phase_s if grid else None,
        grid_slack_s=grid.slack_s if grid else PHASE_SLACK_S,
    )
    return result, note


def _proved(implied: list[Poll], facts: PollFacts, verdict: Verdict, ready: Window) -> list[Poll]:
    if verdict.detected is None:
        return implied
    slack = (facts.grid.slack_s if facts.grid is not None else PHASE_SLACK_S) + 1e-6
    until = -math.inf if ready.lower is None else ready.lower + slack
    return [poll for poll in implied if poll.line is not None or (poll.at_s is not None and poll.at_s <= until)]


def _printed(sighting: Sighting) -> Poll:
    error = sighting.line.error
    body = error.body
    record = sighting.line.record
    return Poll(
        at_s=sighting.stamp_s,
        printed=True,
        error=error.error,
        severity=error.severity,
        http_status=error.http_status,
        failing=body.failing if body else (),
        cut=bool(body and body.cut) or record.truncated,
        line=record.line,
        source=record.source,
        text=mask_secrets(sighting.line.text),
        ok=body.ok if body else (),
    )


def _between(facts: PollFacts, index: int, start: Start, verdict: Verdict, line_times: LineTimes) -> list[Poll]:
    """The attempts after one printed line and before the next: certain with ``--debug``, else implied by the grid."""
    sighting = facts.sightings[index]
    template = replace(_printed(sighting), printed=False, line=None)
    nxt = facts.sightings[index + 1] if index + 1 < len(facts.sightings) else None

    seq, limit = sighting.line.record.seq, nxt.line.record.seq if nxt else None
    if facts.unchanged:  # with --debug every attempt is logged
        certain = [r for r in facts.unchanged if r.seq > seq and (limit is None or r.seq < limit)]
        return [replace(template, at_s=line_times.point(r), line=r.line) for r in certain]
    if index in facts.uncertain:
        return []  # what was answered meanwhile may have been printed and lost
    begin = sighting.stamp_s
    end = nxt.stamp_s if nxt else _polling_end(start, verdict, line_times)
    if begin is None or end is None:
        return []
    interval = facts.spec.interval_s if facts.spec.kind == "shared-2s" and facts.spec.interval_s else 2.0
    first = facts.sightings[0].stamp_s
    grid = facts.grid or Grid(interval, first if first is not None else begin, 0, 0.0)
    ticks: list[float] = []
    tick = grid.tick_at_or_before(begin) + interval
    # The tick right before a changed answer or the success is that attempt itself; of the last two before an end, or
    # before the text breaks off, nobody saw the answer.
    answered_by_end = nxt is not None or verdict.detected is not None
    last = grid.tick_at_or_before(end) - (interval if answered_by_end else 2 * interval)
    while tick <= last + 1e-9 and len(ticks) < _MAX_IMPLIED:
        if tick > begin:
            ticks.append(tick)
        tick += interval
    return [replace(template, at_s=tick) for tick in ticks]


def _polling_end(start: Start, verdict: Verdict, line_times: LineTimes) -> float | None:
    """Until when a poller that saw no success kept asking: its success, the end of the process, or of the text."""
    if verdict.detected is not None:
        return line_times.point(verdict.detected)
    record = verdict.stop_sign or verdict.end or (start.process[-1] if start.process else None)
    return line_times.point(record) if record is not None else None
