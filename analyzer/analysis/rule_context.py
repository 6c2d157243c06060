"""One start as the finding rules look at it: its marks before the first sign of a stop, their times and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from analyzer.analysis.studied_start import StudiedStart
from analyzer.events.catalogue import go_seconds, with_reason
from analyzer.events.event import Mark
from analyzer.events.finding_info import FindingInfo, about
from analyzer.events.open_waits import WaitLine, wait_lines
from analyzer.events.products import advise
from analyzer.events.redaction import mask_secrets
from analyzer.events.user_rules import NO_RULES, Rules
from analyzer.records.log_record import LogRecord
from analyzer.records.log_records import LogRecords
from analyzer.results import Check, Finding, FindingSeverity, Poll, StartReport
from analyzer.site import Datastore, Site
from analyzer.window import at_least, at_most

MAX_LINES = 8
_LONGEST, _BEGIN = 300, 120  # characters of a message that are shown, and of its begin where that is not all
ROLES = "poststarthook/rbac/bootstrap-roles"
CLASSES = "poststarthook/scheduling/bootstrap-system-priority-classes"


class Sourced(Protocol):
    """What stands in a line of the text: a record, a poll, a gap."""

    @property
    def source(self) -> int: ...
    @property
    def line(self) -> int | None: ...


@dataclass
class RuleContext:
    """What the rules need of a start. Lines after a sign of a stop are echoes and in no list here."""

    studied: StudiedStart
    log_records: LogRecords
    user: Rules = NO_RULES
    marks: list[Mark] = field(init=False)  # before any sign of a stop
    starting: list[Mark] = field(init=False)  # the part of them before k3s noticed readiness

    def __post_init__(self) -> None:
        verdict = self.studied.verdict
        stop = verdict.stop_sign.seq if verdict.stop_sign is not None else None
        found = [event for event in self.studied.start.events if isinstance(event, Mark)]
        # The line that is the first sign of an end is its cause more often than an echo.
        self.marks = [mark for mark in found if stop is None or mark.record.seq <= stop]
        noticed = verdict.detected.seq if verdict.detected is not None else None
        self.starting = [mark for mark in self.marks if noticed is None or mark.record.seq < noticed]

    @property
    def report(self) -> StartReport:
        """The report of the start, without findings yet."""
        return self.studied.report

    @property
    def last_words(self) -> str:
        """With which the process ended, or that say why it did; empty where the text holds none."""
        return self.studied.verdict.reason or self.studied.verdict.end_reason or ""

    @property
    def never_ready(self) -> bool:
        """K3s was not seen to notice readiness."""
        return self.studied.verdict.detected is None

    @property
    def site(self) -> Site:
        """How commands, files and ports are called where it ran."""
        return self.report.site

    @cached_property
    def datastore(self) -> Datastore:
        """Which datastore the start uses, as far as its lines say."""
        return self.site.datastore

    def of(self, *ids: str, before_ready: bool = True) -> list[Mark]:
        """Marks of the given ids, in order; by default only those before readiness was noticed."""
        return [mark for mark in (self.starting if before_ready else self.marks) if mark.id in ids]

    def at(self, record: LogRecord) -> float | None:
        """Seconds since the start's begin."""
        return self.studied.line_times.point(record)

    def apart(self, first: LogRecord, second: LogRecord) -> float | None:
        """Seconds that certainly lie between two lines, never negative."""
        begin, end = self.studied.line_times.latest(first), self.studied.line_times.earliest(second)
        return None if begin is None or end is None else max(0.0, end - begin)

    def spread(self, marks: Sequence[Mark]) -> float:
        """Seconds that certainly lie between the first and the last of some lines."""
        if len(marks) < 2:
            return 0.0
        return self.apart(marks[0].record, marks[-1].record) or 0.0

    def span(self, marks: Sequence[Mark]) -> str:
        """`` between 3.1 s and 9.4 s``, rounded outwards; nothing without times, and of one line only a moment."""
        early = [at for mark in marks if (at := self.studied.line_times.earliest(mark.record)) is not None]
        late = [at for mark in marks if (at := self.studied.line_times.latest(mark.record)) is not None]
        if not early or not late:
            return ""
        low, high = at_least(max(0.0, min(early))), at_most(max(late))
        if len(marks) == 1 and low != high:
            return ""
        return f" at {low}" if low == high else f" between {low} and {high}"

    def about(self, name: str) -> FindingInfo:
        """What is known of a finding, of the user's or of ours.

        Raises:
            KeyError: nothing is.
        """
        return self.user.info(name) or about(name)

    def say(
        self, name: str, detail: str, proof: Iterable[Mark | Sourced] = (), *, title: str = "",
        severity: FindingSeverity | None = None, advice: str | None = None, lines: Iterable[tuple[int, int]] = (),
    ) -> Finding:  # fmt: skip
        """A finding with its evidence; what is not given is taken from ``findings.toml`` or the user's rules.

        ``proof`` are the lines that show it, or what was made of them; ``lines`` (source, line) pairs beside them.

        Raises:
            KeyError: neither knows such a finding.
        """
        known = self.about(name)
        shown = [one.record if isinstance(one, Mark) else one for one in proof]
        places = [(one.source, one.line) for one in shown if one.line is not None] + list(lines)
        source = places[0][0] if places else self.report.source
        own = list(dict.fromkeys(line for place, line in places if place == source))
        if len(own) > MAX_LINES:
            own = own[: MAX_LINES - 1] + own[-1:]
        by_place = {(one.source, one.line): one for one in reversed(shown)}
        return Finding(
            id=name,
            severity=severity or known.severity,
            title=advise(title or known.title, self.site),
            detail=mask_secrets(self._with_servers(detail)),
            advice=advise(known.advice if advice is None else advice, self.site),
            lines=tuple(own),
            source=source,
            moments=tuple(self._moment(by_place.get((source, line))) for line in own),
        )

    def _moment(self, shown: Sourced | None) -> float | None:
        """When a line of a finding was written, where it is known."""
        if isinstance(shown, LogRecord):
            return self.at(shown)
        return shown.at_s if isinstance(shown, Poll) else None

    def _with_servers(self, detail: str) -> str:
        """A sentence more where a text names the agent's own load balancer: who is asked in truth."""
        own, servers = self.site.balancer, self.site.servers
        if not own or own not in detail:
            return detail
        behind = f"{own} is this node's own load balancer: what it asks there is {' or '.join(servers)}"
        return sentences([detail, f"{behind}."])

    @cached_property
    def waits(self) -> list[tuple[WaitLine, list[LogRecord]]]:
        """The known waits, each with its lines behind the last that shows it over."""
        return [(wait, wait.said(self.studied.start.process)) for wait in wait_lines()]

    @cached_property
    def boot(self) -> tuple[LogRecord, ...]:
        """The API server's version line and ``Serving securely``: between them lies its own boot, mostly CPU."""
        start = self.studied.start
        version, serving = start.api_first("apiserver_version"), start.api_first("serving_securely")
        return () if version is None or serving is None else (version.record, serving.record)

    @cached_property
    def boot_s(self) -> float | None:
        """Least seconds of the boot."""
        return self.apart(*self.boot) if self.boot else None

    @cached_property
    def boot_most_s(self) -> float | None:
        """The same at most."""
        if not self.boot:
            return None
        begin, end = self.studied.line_times.earliest(self.boot[0]), self.studied.line_times.latest(self.boot[1])
        return None if begin is None or end is None or end <= begin else end - begin

    @cached_property
    def roles_s(self) -> float | None:
        """For how long at least the serial rbac hook worked: serving to cleared, without its fixed first second."""
        serving, roles = self.studied.facts.serving, self.check(ROLES)
        if serving is None or roles is None or roles.cleared.lower is None:
            return None
        return roles.cleared.lower - serving.at_s - 1.0

    def check(self, name: str) -> Check | None:
        """The check of that name, if the text says anything of it."""
        return next((check for check in self.report.checks if check.name == name), None)

    @cached_property
    def still_failing(self) -> list[str]:
        """The names of the checks that were failing when last seen."""
        return [check.name for check in self.report.checks if check.failing_at_last]

    @cached_property
    def last_answer(self) -> Poll | None:
        """The last poll that was answered with an error of the server's, or not at all."""
        return next((p for p in reversed(self.report.polls) if p.error not in (None, "context_canceled")), None)

    def shown_failing(self, check: Check) -> list[tuple[int, int]]:
        """(source, line) pairs of lines that show a check failing: the last that says so, else the first."""
        if check.cleared.lower_line is not None:
            return [(check.cleared.source, check.cleared.lower_line)]
        return [check.first_seen_failing_ref] if check.first_seen_failing_ref is not None else []

    def words(self, mark: Mark) -> str:
        """A mark's text, masked and short enough for a sentence."""
        return shortened(mask_secrets(with_reason(mark.record)))


def shortened(text: str) -> str:
    """A message short enough for a sentence: its begin says who speaks, its end holds the innermost error."""
    if len(text) <= _LONGEST:
        return text
    begin, end = text[:_BEGIN], text[len(text) - _LONGEST + _BEGIN + 3 :]
    # At blanks: half an address or half a name is none.
    return f"{begin.rpartition(' ')[0] or begin} … {end.partition(' ')[2] or end}"


def durations(marks: Iterable[Mark]) -> list[tuple[float, Mark]]:
    """Marks whose ``duration`` group is a Go duration, with its seconds."""
    timed = ((go_seconds(mark.groups.get("duration", "")), mark) for mark in marks)
    return [(seconds, mark) for seconds, mark in timed if seconds is not None]


def count(number: int, what: str, many: str | None = None) -> str:
    """``1 line``, ``3 lines``."""
    return f"{number} {what if number == 1 else many or what + 's'}"


def listing(counts: Counter[str], limit: int = 6) -> str:
    """``a (3), b (2)``, the most frequent first."""
    shown = ", ".join(f"{name} ({number})" for name, number in counts.most_common(limit))
    rest = len(counts) - limit
    return f"{shown} and {count(rest, 'more kind')}" if rest > 0 else shown


def times(marks: Sequence[object]) -> str:
    """``once``, ``3 times``."""
    return "once" if len(marks) == 1 else f"{len(marks)} times"


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def sentences(parts: Iterable[str]) -> str:
    """One behind the other, each but the last closed; empty ones left out."""
    told = [part.strip() for part in parts if part.strip()]
    closed = [part if part.endswith((".", "!", "?", ":")) else f"{part}." for part in told[:-1]]
    return " ".join([*closed, *told[-1:]])
