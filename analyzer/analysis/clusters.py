"""Clusters: hosts that belong together by what their logs say of each other, and who waited for whom.

Worked out from the finished starts alone, so that it says the same of a report that was anonymized. No order of two
hosts' moments is claimed that their clocks do not prove: what a host waited for is told by its own lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from analyzer.analysis.cluster_clocks import offsets
from analyzer.analysis.episodes import episodes, leading
from analyzer.events.link_rules import goal_of_wait, usual_s
from analyzer.results import (
    Awaited,
    ClockOffset,
    Cluster,
    ClusterCause,
    Episode,
    Finding,
    LinkWait,
    Report,
    StartReport,
    Waited,
)
from analyzer.window import OPEN, Bound, Span, Window

_NEAR_S = 86_400.0  # logs further apart are not of the same time
_TOLD_S = 1.0  # a wait that is told lasted certainly so long


def clusters_of(report: Report) -> tuple[Cluster, ...]:
    """The clusters of a report; of one that was read back, those that it tells."""
    return clusters(report.starts) if report.told is None else report.told.clusters


def clusters(starts: Sequence[StartReport]) -> tuple[Cluster, ...]:
    """Every group of two hosts or more that belong together, in the order of their first starts."""
    hosts = _hosts(starts)
    if len(hosts) < 2:
        return ()
    found = _Owners(hosts)
    tries = episodes(starts)
    return tuple(_cluster(group, found, tries) for group in _groups(hosts, found) if len(group) > 1)


def host_of(start: StartReport) -> str:
    """What the host of a start is called: by the journal, by its own lines, else by its place among the inputs."""
    return start.host or next(iter(start.links.names), None) or f"log {start.source + 1}"


@dataclass
class _Host:
    """All starts of one host; what they say is gathered once, as every host is held against every other."""

    name: str
    starts: list[StartReport] = field(default_factory=list)
    _said: dict[str, dict[str, None]] = field(default_factory=dict)

    def all(self, what: str) -> dict[str, None]:
        """What the links of its starts say, in order."""
        if what not in self._said:
            self._said[what] = {value: None for start in self.starts for value in getattr(start.links, what)}
        return self._said[what]

    @cached_property
    def names(self) -> dict[str, None]:
        return {self.name.lower(): None} | {name.lower(): None for name in self.all("names")}

    @cached_property
    def is_server(self) -> bool:
        roles = {start.role for start in self.starts}
        return "server" in roles or ("agent" not in roles and not self.all("asks"))

    @cached_property
    def span(self) -> tuple[float, float] | None:
        """From its first start to its last line, as its clock says."""
        dated = [_ends(start) for start in self.starts if start.began_at is not None]
        return (min(low for low, _ in dated), max(high for _, high in dated)) if dated else None


def _ends(start: StartReport) -> tuple[float, float]:
    assert start.began_at is not None
    began = start.began_at.timestamp()
    last = start.end.at_s if start.end.at_s is not None else start.cut_at_s
    return began, began + max(0.0, last or 0.0)


def _hosts(starts: Sequence[StartReport]) -> list[_Host]:
    found: dict[str, _Host] = {}
    seen: set[tuple[object, ...]] = set()
    for start in starts:
        if start.observer != "k3s":
            continue
        name = host_of(start)
        same = (name, start.unit, start.pid, start.began_at, start.boot_id)
        if start.began_at is not None and same in seen:
            continue  # the same journal given twice
        seen.add(same)
        found.setdefault(name, _Host(name)).starts.append(start)
    return list(found.values())


class _Owners:
    """Whose an address, a name or a member of etcd is; of several hosts that may be meant, nobody's."""

    def __init__(self, hosts: Sequence[_Host]) -> None:
        self._hosts: dict[str, dict[str, None]] = {}
        self._members: dict[str, dict[str, None]] = {}
        for host in hosts:
            # An agent that calls the server's address its own is misread: it asks another machine.
            asked = {} if host.is_server else host.all("asks")
            for value in host.all("addresses") | host.names:
                if value not in asked:
                    self._hosts.setdefault(value, {})[host.name] = None
            for value in host.all("members"):
                self._members.setdefault(value, {})[host.name] = None

    def owner(self, value: str, among: Container[str]) -> str | None:
        """The host of an address or name, also of a name with its domain."""
        return _only(self._claims(value), among)

    def claimed(self, value: str) -> bool:
        """Whether any host says that it has this address."""
        return bool(self._claims(value))

    def member(self, value: str, among: Container[str]) -> str | None:
        """The host of a member of etcd."""
        return _only(self._members.get(value, {}), among)

    def _claims(self, value: str) -> Iterable[str]:
        found = self._hosts.get(value.lower())
        if found is None and not value.replace(".", "").isdigit() and ":" not in value:
            found = self._hosts.get(value.lower().partition(".")[0])
        return found or ()


def _only(found: Iterable[str], among: Container[str]) -> str | None:
    left = [name for name in found if name in among]
    return left[0] if len(left) == 1 else None


# ---------------------------------------------------------------- who belongs together


def _groups(hosts: Sequence[_Host], owners: _Owners) -> list[list[_Host]]:
    by_name = {host.name: host for host in hosts}
    joined = {host.name: host.name for host in hosts}

    def root(name: str) -> str:
        while joined[name] != name:
            joined[name] = joined[joined[name]]
            name = joined[name]
        return name

    def join(one: str, other: str) -> None:
        if one != other and _fit(by_name[one], by_name[other]):
            joined[root(other)] = root(one)

    asked: dict[str, str] = {}
    members = {host.name for host in hosts if host.all("members")}
    for host in hosts:
        peers = host.all("peers")
        if not (peers or host.all("asks")):
            continue
        fit = {other.name for other in hosts if other.is_server and _fit(host, other)}
        for value in host.all("asks") | peers:
            owner = owners.owner(value, fit & members if value in peers else fit)
            if owner is not None:
                join(owner, host.name)
            elif not owners.claimed(value):  # of a machine whose log is not here, or that stands before the servers
                join(asked.setdefault(value, host.name), host.name)
    groups: dict[str, list[_Host]] = {}
    for host in hosts:
        groups.setdefault(root(host.name), []).append(host)
    return list(groups.values())


def _fit(one: _Host, other: _Host) -> bool:
    """Whether nothing shows that two hosts are of different clusters: their CAs, or the days of their logs."""
    issuers = one.all("issuers"), other.all("issuers")
    if all(issuers) and not issuers[0].keys() & issuers[1].keys():
        return False
    spans = one.span, other.span
    if spans[0] is None or spans[1] is None:
        return True
    return spans[0][0] - spans[1][1] < _NEAR_S and spans[1][0] - spans[0][1] < _NEAR_S


# ---------------------------------------------------------------- one cluster


def _cluster(group: Sequence[_Host], owners: _Owners, tries: Sequence[Episode]) -> Cluster:
    servers = [host for host in group if host.is_server]
    agents = [host for host in group if not host.is_server]
    first = (servers or agents)[0]
    own = {host.name for host in group}

    def owner(value: str) -> str | None:
        return owners.owner(value, own)

    clocks = offsets({host.name: host.starts for host in group}, first.name, owner)
    began = next((start.began_at for start in first.starts if start.began_at is not None), None)
    zero = began.timestamp() if began is not None else None
    told = [wait for host in [*servers, *agents] for wait in _waits(host, owners, own)]
    story = tuple(_waited(wait, first.name, zero, clocks) for wait in told)
    return Cluster(
        hosts=tuple(host.name for host in [*servers, *agents]),
        servers=tuple(host.name for host in servers),
        agents=tuple(host.name for host in agents),
        story=story,
        first_cause=_first_cause(told, {host.name: host for host in group}, tries),
        clock_offsets=clocks,
        began_at=began,
        starts=tuple(sorted(start.index for host in group for start in host.starts)),
    )


@dataclass(frozen=True, slots=True)
class _Wait:
    """A wait of one host, over as many of its starts as it took."""

    host: str
    for_whom: str | None
    parts: tuple[tuple[StartReport, LinkWait], ...]
    over: tuple[StartReport, float] | None  # the start that went on, and when at the latest

    @property
    def id(self) -> str:
        return self.parts[0][1].id

    @property
    def lasted(self) -> Span:
        """How long it waited, on its own clock."""
        (first, begun), (last, wait) = self.parts[0], self.parts[-1]
        between = 0.0
        if first is not last:
            if first.began_at is None or last.began_at is None:
                return Span(max(0.0, wait.last_s - wait.first_s))
            between = (last.began_at - first.began_at).total_seconds()
        least = max(0.0, between + wait.last_s - begun.first_s)
        if self.over is None:
            return Span(least)
        start, at = self.over
        if start is not last:
            if start.began_at is None or last.began_at is None:
                return Span(least)
            between += (start.began_at - last.began_at).total_seconds()
        return Span(least, max(least, between + at - (begun.first_s if begun.id == "quorum" else 0.0)))


def _waits(host: _Host, owners: _Owners, own: set[str]) -> Iterator[_Wait]:
    """The waits of a host that are worth telling."""
    for wait in _joined(host, owners, own):
        if wait.for_whom != host.name and wait.lasted.min >= _TOLD_S:
            yield wait


def _joined(host: _Host, owners: _Owners, own: set[str]) -> Iterator[_Wait]:
    """Waits of consecutive starts for the same are one where the process ended in between."""
    going: _Wait | None = None
    for start in host.starts:
        for number, wait in enumerate(start.links.waits):
            whom = _whom(start, wait, owners, own)
            over = (start, wait.over_s) if wait.over_s is not None else None
            if going is not None and number == 0 and going.id == wait.id and going.for_whom == whom:
                going = replace(going, parts=(*going.parts, (start, wait)), over=over)
            else:
                if going is not None:
                    yield going
                going = _Wait(host.name, whom, ((start, wait),), over)
            if going.over is not None:
                yield going
                going = None
        came = start.ready.upper if start.outcome == "ready" and not start.links.waits else None
        if going is not None and came is not None:
            yield replace(going, over=(start, came))
            going = None
    if going is not None:
        yield going


def _whom(start: StartReport, wait: LinkWait, owners: _Owners, own: set[str]) -> str | None:
    if wait.id == "server":
        return owners.owner(wait.target or next(iter(start.links.asks), "-"), own)
    return owners.member(wait.target, own)


def _waited(wait: _Wait, first: str, zero: float | None, clocks: Sequence[ClockOffset]) -> Waited:
    start, last = wait.parts[-1]
    lines = dict.fromkeys(line for s, part in wait.parts for line in part.lines if s.source == start.source)
    asked = last.target or next(iter(start.links.asks), "")
    return Waited(
        host=wait.host,
        waited_for=Awaited(wait.for_whom, goal_of_wait(wait.id)),
        window=_window(wait, first, zero, clocks),
        lines=tuple(lines)[:8],
        source=last.source,
        start=(wait.over[0] if wait.over is not None else start).index,
        waited_s=wait.lasted,
        address=asked if wait.id == "server" else "",
    )


def _window(wait: _Wait, first: str, zero: float | None, clocks: Sequence[ClockOffset]) -> Window:
    """The end of a wait on the clock of the first server."""
    start, last = wait.parts[-1]
    if zero is None or start.began_at is None:
        return OPEN
    low: float | None = start.began_at.timestamp() + last.last_s - zero
    high: float | None = None
    if wait.over is not None and wait.over[0].began_at is not None:
        high = wait.over[0].began_at.timestamp() + wait.over[1] - zero
    offset = next((clock for clock in clocks if clock.host == wait.host), None)
    if offset is not None and wait.host != first:
        low = None if offset.upper_s is None or low is None else low - offset.upper_s
        high = None if offset.lower_s is None or high is None else high - offset.lower_s
    return Window(
        lower=low,
        upper=high,
        lower_kind=Bound.NONE if low is None else Bound.OBSERVED,
        upper_kind=Bound.NONE if high is None else Bound.OBSERVED,
        lower_line=None if low is None else last.lines[min(1, len(last.lines) - 1)],
        upper_line=None if high is None or wait.over is None or wait.over[0] is not start else last.lines[-1],
        source=last.source,
    )


# ---------------------------------------------------------------- the first cause


def _first_cause(waits: Sequence[_Wait], hosts: dict[str, _Host], tries: Sequence[Episode]) -> ClusterCause | None:
    """The host at the end of the chains of waiting: the one for which most others waited and that waited for none.

    ``None`` where two hosts come into question, or the one is not in the logs.
    """
    long = [wait for wait in waits if wait.lasted.min > usual_s(wait.id)]
    waits_for: dict[str, set[str]] = {}
    for wait in long:
        if wait.for_whom is None:
            waits_for.setdefault(wait.host, set())
        else:
            waits_for.setdefault(wait.host, set()).add(wait.for_whom)
    ends: Counter[str] = Counter()
    for host in waits_for:
        for end in _ends_of(host, waits_for):
            ends[end] += 1
    most = ends.most_common(2)
    if not most or (len(most) == 2 and most[0][1] == most[1][1]):
        return None
    root = hosts[most[0][0]]
    met = [wait for wait in long if wait.for_whom == root.name]
    return _cause_on(root, met, tries)


def _ends_of(host: str, waits_for: dict[str, set[str]]) -> set[str]:
    """The hosts for which a host waited in the end, through those that waited themselves."""
    seen, todo, ends = {host}, [host], set()
    while todo:
        for other in waits_for.get(todo.pop(), ()):
            if other not in waits_for:
                ends.add(other)
            elif other not in seen:
                seen.add(other)
                todo.append(other)
    return ends


def _cause_on(root: _Host, waits: Sequence[_Wait], tries: Sequence[Episode]) -> ClusterCause:
    """What was wrong on the host for which others waited: with the tries before, with the start, with the last end."""
    start = _at_that_time(root, waits)
    before = root.starts[: root.starts.index(start)]
    episode = next((e for e in tries if start.index in e.starts), None)
    if episode is not None and episode.cause is not None and episode.cause.start in {s.index for s in before}:
        return ClusterCause(root.name, episode.cause.start, episode.cause.finding)
    own = leading(finding for finding in start.findings if _until_ready(finding, start))
    if own is not None:
        return ClusterCause(root.name, start.index, own.id)
    if before and before[-1].end.kind == "failed" and (finding := leading(before[-1].findings)) is not None:
        return ClusterCause(root.name, before[-1].index, finding.id)
    return ClusterCause(root.name, start.index, None)


def _until_ready(finding: Finding, start: StartReport) -> bool:
    """Whether a finding is of the time before a start was ready: what came later held nobody up until then."""
    ready = start.ready.upper_ref or start.detected.upper_ref
    if ready is None or not finding.lines:
        return start.outcome != "ready"
    return finding.source == ready[0] and max(finding.lines) <= ready[1]


def _at_that_time(root: _Host, waits: Sequence[_Wait]) -> StartReport:
    """The start for which others waited: the last one that began before their waiting was over, as the stamps stand."""
    overs = [None if wait.over is None else _moment(*wait.over) for wait in waits]
    known = [over for over in overs if over is not None]
    if len(known) < len(overs) or not known:
        return root.starts[-1]
    before = [s for s in root.starts if s.began_at is not None and s.began_at.timestamp() <= max(known)]
    return before[-1] if before else root.starts[-1]


def _moment(start: StartReport, at_s: float) -> float | None:
    return None if start.began_at is None else start.began_at.timestamp() + at_s
