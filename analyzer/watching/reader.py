"""What ``analyze`` would say of the text so far, at a cost that does not grow with the text.

Lines are decoded once (``records.growing``). The analysis is made anew from the records of the present start and of the
one before it: of longer texts earlier starts keep the report that they had when the next but one began, and lines that
no number of a report rests on are let go. Up to ``MOST_LINES`` lines nothing is, and the report is that of ``analyze``
to the last field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from analyzer import pipeline
from analyzer.analysis.find import across_starts
from analyzer.errors import NoDataError
from analyzer.events import catalogue
from analyzer.events.user_rules import Rules
from analyzer.records.draft import Draft
from analyzer.records.growing import GrowingLog
from analyzer.records.log_record import Payload
from analyzer.records.select import Selection, select
from analyzer.results import LedgerCounts, Report, StartReport

MOST_LINES = 1500  # held; the analysis of so many takes about 0.1 s
_RECENT = 300  # the last lines always stay
_SETTLED_MOST = 200  # reports on earlier starts, the first and the last half of them
OF_SEVERAL = frozenset({"crash_loop", "failed_tries_before"})  # findings that need more than one start
_OURS = ("k3s", "rke2", "Kubernetes", "Rancher")


class StartReader:
    """Feed it what was written; ``report()`` is what ``analyze`` says of that. ``name`` is how the source is told.

    ``wanted`` is a part of the log, ``rules`` are a user's own, ``most`` is how many lines are held.
    """

    def __init__(
        self, name: str, *, wanted: Selection | None = None, rules: Rules | None = None, most: int = MOST_LINES
    ) -> None:
        self.log = GrowingLog(name)
        self.fresh = False  # something was decoded since the last report
        self._wanted, self._rules, self._most = wanted, rules, most
        self._settled: list[StartReport] = []
        self._settled_lines: dict[tuple[int, int], str] = {}
        self._left_out = 0  # settled starts of which nothing is kept
        self._used = 0  # lines that the settled starts rest on
        self._last: Report | None = None

    def feed(self, data: bytes) -> bool:
        """Take in what was written; whether one of the lines may decide something."""
        drafts = self.log.feed(data)
        self.fresh = self.fresh or bool(data)
        return any(map(_decides, drafts))

    def finish(self) -> None:
        """The input is over."""
        self.log.finish()
        self.fresh = True

    def report(self) -> Report | None:
        """The report on the text so far; ``None``: nothing in it is of k3s or RKE2."""
        if self.fresh:
            self.fresh = False
            self._last = self._analysed()
            if self._last is not None and len(self.log.drafts) > self._most:
                self._let_go(self._last)
        return self._last

    def _analysed(self) -> Report | None:
        report = self._of_kept_lines()
        return self._with_settled(report) if report is not None and self._settled else report

    def _of_kept_lines(self) -> Report | None:
        try:
            records = self.log.log_records()
            if self._wanted and records.records:
                records = select(records, self._wanted)
            return pipeline.report_on(records, rules=self._rules)
        except NoDataError:
            return None

    def _with_settled(self, report: Report) -> Report:
        """The report with the earlier starts in front."""
        first = self._left_out + len(self._settled) + 1
        present = (replace(start, index=n) for n, start in enumerate(report.starts, first))
        starts = [_alone(start) for start in (*self._settled, *present)]
        return replace(
            report,
            starts=tuple(across_starts(starts)),
            ledger=_used_too(report.ledger, self._used),
            evidence=MappingProxyType({**self._settled_lines, **report.evidence}),
        )

    def _let_go(self, report: Report) -> None:
        """Hold no more lines than is needed for what will be said."""
        self._settle(report)
        told = {line for _, line in report.evidence}
        recent = self.log.drafts[-min(_RECENT, len(self.log.drafts))].line
        if len(self.log.drafts) > self._most:
            done = [_last_line(start) for start in report.starts if start.outcome == "ready"]
            begun = [line for start in report.starts for line in _lines(start)]
            self._thin_out(lambda line: line not in told and line < recent and _between(done, begun, line))
        if len(self.log.drafts) > 2 * self._most:  # a start that takes long and says much
            self._thin_out(lambda line: line not in told and line < recent)
        if len(self.log.drafts) > 2 * self._most:  # a line that says the same again and again
            half = self._most // 2
            first, last = self.log.drafts[half].line, self.log.drafts[-half].line
            self._thin_out(lambda line: first <= line < last)

    def _thin_out(self, needless: Callable[[int], bool]) -> None:
        self.log.thin_out({draft.line for draft in self.log.drafts if needless(draft.line)})

    def _settle(self, report: Report) -> None:
        """All starts but the last two have their final report, where it is clear which lines are theirs."""
        before = report.starts[len(self._settled) : -2]
        first = _first_line(report.starts[-2], self.log.drafts) if before else None
        if first is None or any(_last_line(start) >= first for start in before):
            return
        lines = {place: text for place, text in report.evidence.items() if place[1] < first}
        self._settled += before
        half = _SETTLED_MOST // 2
        if len(self._settled) > _SETTLED_MOST:
            self._left_out += len(self._settled) - 2 * half
            self._settled = [*self._settled[:half], *self._settled[-half:]]
        self._settled_lines = lines
        self.log.forget_before(first)
        kept = self._of_kept_lines()
        self._used = report.ledger.used - (kept.ledger.used if kept is not None else 0)


def _decides(draft: Draft) -> bool:
    """Whether a line may change what is said of a start: people wait for that, all others can wait a moment."""
    message = draft.message
    if draft.payload is Payload.SYSTEMD:
        return any(name in message or name in (draft.unit or "") for name in _OURS)
    if draft.is_last_word or message.startswith("Polling for API") or "check failed" in message:
        return True
    return any(mark.kind in ("milestone", "end") for mark in catalogue.match(draft.record(0)))


def _alone(start: StartReport) -> StartReport:
    """A start without the findings that are told of it because of others."""
    return replace(start, findings=tuple(f for f in start.findings if f.id not in OF_SEVERAL))


def _first_line(start: StartReport, drafts: Sequence[Draft]) -> int | None:
    """The first line of a start whose begin was seen; ``None``: it is not clear which one that is."""
    if not start.begin_seen or start.pid is None:
        return None
    own = next((d.line for d in drafts if d.pid == start.pid and d.boot_id == start.boot_id), None)
    return min((own, *_lines(start)), default=None) if own is not None else None


def _last_line(start: StartReport) -> int:
    return max((*_lines(start), start.end.line or 0))


def _between(done: Sequence[int], begun: Sequence[int], line: int) -> bool:
    """Whether a line stands behind all that a ready start reached, and not in the start after it."""
    behind = max((one for one in done if one < line), default=None)
    return behind is not None and not any(behind < one <= line for one in begun)


def _lines(start: StartReport) -> Iterable[int]:
    return (milestone.line for milestone in start.milestones)


def _used_too(ledger: LedgerCounts, used: int) -> LedgerCounts:
    moved = min(used, ledger.ignored)
    return replace(ledger, used=ledger.used + moved, ignored=ledger.ignored - moved)
