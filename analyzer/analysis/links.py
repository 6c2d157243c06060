"""What the log of one start says of its host and of others: who it is, whom it asks, for whom it waits.

One pass over its lines, of which all but a few are passed over by one comparison (``events/link_rules``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from analyzer.analysis.line_times import LineTimes
from analyzer.events.link_rules import LinkRule, rules_for
from analyzer.records.log_record import LogRecord
from analyzer.results import NO_LINKS, LinkMessage, Links, LinkWait
from analyzer.starts.start import Start

_OWN = re.compile(r"^(?:localhost|127\.|0\.0\.0\.0$|::1?$|<nil>$)")  # names no machine
_URL = re.compile(r"https://(\[[0-9a-fA-F:]+\]|[^\s:/\"\\]+):\d+")
_MESSAGES = 60  # of one id in a start; where there are more, nobody can say which of them belong together
_VALUES, _WAITS = 24, 12
_SLACK_US = 1000  # a stamp is moved by some microseconds where a monotonic clock runs beside it
_WAIT_S = 1.0  # shorter ones are no news


def address_of(text: str) -> str:
    """An address or name without brackets, as all logs spell it."""
    return text.strip("[]").lower()


def links_of(start: Start, line_times: LineTimes) -> Links:
    """All that the lines of a start, and of its static pods, say of other hosts.

    Lines of several inputs that name no host may be of several hosts: they say nothing.
    """
    if start.host is None and len({record.source for record in start.process}) > 1:
        return NO_LINKS
    return _Gathered(line_times).of(chain(start.process, start.pod_lines))


@dataclass(slots=True)
class _Open:
    """A wait that goes on."""

    id: str
    target: str
    first: LogRecord
    last: LogRecord
    first_s: float
    last_s: float

    def closed(self, over: LogRecord | None, over_s: float | None) -> LinkWait:
        lines = [self.first.line, self.last.line] + ([over.line] if over is not None else [])
        return LinkWait(
            self.id, self.target, self.first_s, self.last_s, over_s, tuple(dict.fromkeys(lines)), self.first.source
        )


@dataclass(slots=True)
class _Gathered:
    line_times: LineTimes
    facts: dict[str, dict[str, None]] = field(default_factory=dict)
    messages: dict[str, list[LinkMessage]] = field(default_factory=dict)
    waits: list[LinkWait] = field(default_factory=list)
    open: dict[str, _Open] = field(default_factory=dict)
    quorum: _Quorum = field(default_factory=lambda: _Quorum())
    leader: str = ""

    def of(self, records: Iterable[LogRecord]) -> Links:
        """Everything."""
        for record in records:
            for rule in rules_for(record):
                self._take(rule, record)
        self.waits += [wait.closed(None, None) for wait in self.open.values()]
        told = {what: tuple(values)[:_VALUES] for what, values in self.facts.items()}
        return Links(
            names=told.get("name", ()),
            addresses=told.get("address", ()),
            members=told.get("member", ()),
            asks=told.get("asks", ()),
            peers=told.get("peer", ()),
            issuers=told.get("issuer", ()),
            messages=() if self.line_times.steps else tuple(chain.from_iterable(self.messages.values())),
            waits=tuple(self.waits[:_WAITS]),
        )

    def _take(self, rule: LinkRule, record: LogRecord) -> None:
        if rule.kind == "over":
            self._over(rule.id, record)
            return
        if rule.id == "leader_known" or rule.id == "member":
            self._etcd(rule, record)
        for found in rule.found(record):
            if rule.id == "voters":
                self.quorum.voters = frozenset(format(int(number), "x") for number in found["value"].split())
            elif rule.kind == "fact":
                value = address_of(found["value"])
                if not _OWN.match(value):
                    self.facts.setdefault(rule.id, {})[value] = None
            elif rule.kind == "message":
                self._message(rule, record, found)
            else:
                self._wait(rule, record)
                return

    # ------------------------------------------------------------------ messages

    def _message(self, rule: LinkRule, record: LogRecord, found: re.Match[str]) -> None:
        groups = {name: address_of(value or "") for name, value in found.groupdict().items()}
        span = self._span(record)
        if span is None or _OWN.match(groups.get("to") or "-"):
            return
        key = tuple(groups[name] for name in rule.key)
        made = LinkMessage(
            rule.id, key, groups.get("to", ""), groups.get("of", ""), span[0], span[1], record.line, record.source
        )
        if rule.id == "peer_active":
            self.quorum.active.append(made)
        elif len(kept := self.messages.setdefault(rule.id, [])) < _MESSAGES:
            kept.append(made)

    def _span(self, record: LogRecord) -> tuple[float, float] | None:
        """When the line was written, as its own stamp and the journal's prove it; without a guess about delays."""
        inner, outer = record.inner_at, record.at
        if inner is None or self.line_times.zero_us is None:
            return None  # how late the journal was, nobody knows
        high = inner.end_us if outer is None else min(inner.end_us, outer.end_us)
        if high < inner.us - _SLACK_US:
            return None
        seconds = self.line_times.seconds
        return seconds(inner.us - _SLACK_US), seconds(high + _SLACK_US)

    # ------------------------------------------------------------------ waits

    def _wait(self, rule: LinkRule, record: LogRecord) -> None:
        at = self.line_times.earliest(record)
        if at is None:
            return
        target = self.leader if rule.id == "promotion" else self._asked(record.message)
        going = self.open.get(rule.id)
        if going is None:
            self.open[rule.id] = _Open(rule.id, target, record, record, at, at)
        else:
            going.last, going.last_s, going.target = record, max(at, going.last_s), going.target or target

    def _asked(self, message: str) -> str:
        """The servers of which one was asked: the one in a message, unless the load balancer knew others as well."""
        known = self.facts.get("asks", {})
        if len(known) > 1:
            return " ".join(known)
        named = (address_of(found[1]) for found in _URL.finditer(message))
        return next((address for address in named if not _OWN.match(address)), "")

    def _over(self, name: str, record: LogRecord) -> None:
        going = self.open.pop(name, None)
        if going is not None:
            self.waits.append(going.closed(record, self.line_times.latest(record)))

    # ------------------------------------------------------------------ the quorum of etcd

    def _etcd(self, rule: LinkRule, record: LogRecord) -> None:
        """A member waits for others from its begin until it knows a leader, if others were not there at its begin."""
        if rule.id == "member":
            self.quorum = _Quorum(record)
            return
        elected = next(rule.found(record), None)
        if elected is None:
            return
        self.leader = elected["leader"]
        begun, begin = self.quorum.begun, self._span(self.quorum.begun) if self.quorum.begun is not None else None
        last = self.quorum.completed_by()
        span = self._span(record)
        if begun is None or begin is None or last is None or span is None:
            pass
        elif last.low_s - begin[1] >= _WAIT_S:
            lines = tuple(dict.fromkeys((begun.line, last.line, record.line)))
            self.waits.append(LinkWait("quorum", last.key[0], begin[0], last.low_s, span[1], lines, begun.source))
        self.quorum = _Quorum()


@dataclass(slots=True)
class _Quorum:
    """One run of etcd's member until it knows a leader."""

    begun: LogRecord | None = None
    active: list[LinkMessage] = field(default_factory=list)
    voters: frozenset[str] = frozenset()

    def completed_by(self) -> LinkMessage | None:
        """The other member that made it a majority: with one it has two votes, of up to three."""
        others = list({m.key: m for m in reversed(self.active) if m.key[0] in self.voters}.values())
        needed = len(self.voters) // 2
        if not needed or len(others) < needed:
            return None
        return sorted(others, key=lambda message: message.low_s)[needed - 1]
