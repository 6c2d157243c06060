"""The answer on a cluster: which host held the others up, who waited for whom, and what to do.

Plain data, made of the finished report, for the terminal, the page and notebooks alike. Texts may hold words of the
log: whoever shows them must escape them for the medium.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.analysis.clusters import clusters_of, host_of
from analyzer.analysis.episodes import episodes, goal_of, leading
from analyzer.events.link_rules import longest_usual_s
from analyzer.reports import wording
from analyzer.results import ClockOffset, Cluster, Episode, Finding, Report, StartReport, Waited
from analyzer.window import SourceIndex, Span

_SENTENCES = 6
_NAMED = 3  # hosts by name in a sentence
_AGREE_S = 1.0  # clocks that are certainly no further apart agree
_GOALS = {"api": "the API server of {}", "etcd": "etcd on {}", "vote": "{} to make it a voting member of etcd"}


@dataclass(frozen=True, slots=True)
class ClusterAnswer:
    """One cluster in a few sentences; ``start`` is the one that held the others up, where one did."""

    mark: str  # ok | slow | failed | unknown
    verdict: str
    story: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    sure: str = ""
    clocks: str = ""
    start: int | None = None
    lines: tuple[int, ...] = ()  # behind the cause, of ``source``
    source: SourceIndex = 0


def cluster_answers(report: Report, found: Sequence[Cluster] | None = None) -> tuple[ClusterAnswer, ...]:
    """The answer on each cluster of a report (``found``: its clusters); empty where no two hosts belong together."""
    tries = episodes(report.starts)
    return tuple(of_cluster(report, cluster, tries) for cluster in (clusters_of(report) if found is None else found))


def apart(report: Report, found: Sequence[Cluster] | None = None) -> str:
    """That hosts of one report do not belong together, as far as their logs say; empty where all do."""
    found = clusters_of(report) if found is None else found
    hosts = list(dict.fromkeys(host_of(start) for start in report.starts if start.observer == "k3s"))
    joined = {host for cluster in found for host in cluster.hosts}
    alone = [host for host in hosts if host not in joined]
    groups = len(found) + len(alone)
    if len(hosts) < 2 or groups < 2:
        return ""
    if not alone:
        return f"{len(hosts)} hosts of {groups} clusters: none of one names a host of another."
    others = " the others" if joined else " each other"
    return f"{_names(alone)}: no line connects {_them(len(alone))} with{others}; told apart."


def of_cluster(report: Report, cluster: Cluster, tries: Sequence[Episode]) -> ClusterAnswer:
    """The answer on one cluster."""
    by_index = {start.index: start for start in report.starts}
    own = [episode for episode in tries if set(episode.starts) & set(cluster.starts)]
    down = [episode for episode in _last_of_each(own) if _is_down(by_index[episode.starts[-1]])]
    cause = cluster.first_cause
    start = by_index.get(cause.start) if cause is not None else None
    finding = _finding(start, cause.finding) if cause is not None and start is not None else None
    met = _met(cluster)
    waited = _held_up(cluster, met, finding) if met else _all_went(own, by_index)
    verdict = _size(cluster) + waited + _still_down(down, by_index)
    failed = any(_troubled(by_index[episode.starts[-1]]) for episode in down)
    rough = any(_troubled(by_index[number]) for number in cluster.starts)
    return ClusterAnswer(
        mark="failed" if failed else "unknown" if down else "slow" if met or rough else "ok",
        verdict=verdict,
        story=tuple(_story(cluster, down, by_index, finding))[:_SENTENCES],
        do=tuple(_do(cluster, start, finding, down, by_index))[:1],
        sure=_sure(cluster, met, finding),
        clocks=_clocks(cluster),
        start=start.index if start is not None else None,
        lines=finding.lines if finding is not None else (),
        source=finding.source if finding is not None else 0,
    )


def _finding(start: StartReport | None, name: str | None) -> Finding | None:
    return next((f for f in start.findings if f.id == name), None) if start is not None and name else None


def _last_of_each(found: Sequence[Episode]) -> list[Episode]:
    """The last episode of every unit of every host."""
    return list({(e.host, e.unit): e for e in found}.values())


def _is_down(last: StartReport) -> bool:
    """Whether the last start of a host is not up: it ended by itself, or never had its goal although that was tried."""
    if last.end.kind == "failed" or last.outcome == "failed":
        return True
    return goal_of(last).state != "reached" and (last.outcome == "incomplete" or _troubled(last))


def _troubled(start: StartReport) -> bool:
    return any(finding.severity != "info" for finding in start.findings)


# ---------------------------------------------------------------- the verdict


def _size(cluster: Cluster) -> str:
    kinds = [
        wording.plural(len(hosts), name)
        for hosts, name in ((cluster.servers, "server"), (cluster.agents, "agent"))
        if hosts
    ]
    return f"{len(cluster.hosts)} hosts ({', '.join(kinds)}): "


def _all_went(own: Sequence[Episode], by_index: dict[int, StartReport]) -> str:
    """Where no host held another one up: whether all are up, and how many starts failed before."""
    last = [by_index[episode.starts[-1]] for episode in _last_of_each(own)]
    starts = [by_index[number] for episode in own for number in episode.starts]
    failed = sum(start.outcome == "failed" for start in starts)
    if failed and all(goal_of(start).state == "reached" and start.end.kind != "failed" for start in last):
        return f"all came up; {failed} of {wording.plural(len(starts), 'start')} failed before."
    return "none waited long for another."


def _met(cluster: Cluster) -> list[Waited]:
    """The waits that took longer than usual."""
    return [w for w in cluster.story if w.waited_s is not None and w.waited_s.min > longest_usual_s(w.waited_for.goal)]


def _held_up(cluster: Cluster, met: Sequence[Waited], finding: Finding | None) -> str:
    longest = max(met, key=lambda w: w.waited_s.min if w.waited_s is not None else 0.0)
    hosts = list(dict.fromkeys(w.host for w in met))
    took = wording.long_words(longest.waited_s) if longest.waited_s is not None else ""
    cause = cluster.first_cause
    if cause is None:
        known = dict.fromkeys(w.waited_for.host for w in met)
        if list(known) == [None]:
            return f"{_count(hosts)} waited, the longest {took}, for {_unknown(longest.address)}."
        return f"{_count(hosts)} waited for others, the longest {took}; which host was the first cause is not known."
    role = "server" if cause.host in cluster.servers else "agent"
    who = cause.host if cause.host.startswith(role) else f"{role} {cause.host}"
    others = [host for host in hosts if host != cause.host]
    told = f"{who} held {_count(others)} up, the longest for {took}"
    if any(w.waited_s is not None and w.waited_s.max is None for w in met):
        told += " and still where the log ends"
    return f"{told}: {_lowered(finding.title)}." if finding is not None else f"{told}."


def _still_down(down: Sequence[Episode], by_index: dict[int, StartReport]) -> str:
    hosts = [host_of(by_index[e.starts[-1]]) for e in down]
    return f" Not up where the logs end: {_names(hosts)}." if hosts else ""


# ---------------------------------------------------------------- the story


def _story(
    cluster: Cluster, down: Sequence[Episode], by_index: dict[int, StartReport], finding: Finding | None
) -> Iterator[str]:
    if finding is not None and finding.detail and cluster.first_cause is not None:
        yield f"{cluster.first_cause.host}: {finding.detail.rstrip('.')}."
    groups: dict[tuple[str | None, str, str], list[Waited]] = {}
    for wait in cluster.story:
        groups.setdefault((wait.waited_for.host, wait.waited_for.goal, wait.address), []).append(wait)
    for (host, goal, address), waits in sorted(groups.items(), key=lambda item: -_most(item[1])):
        hosts = _names(list(dict.fromkeys(wait.host for wait in waits)))
        whom = host or _unknown(address)
        lasted = _range([wait.waited_s for wait in waits if wait.waited_s is not None])
        what = _GOALS.get(goal, "{}") if host is not None else "{}"
        yield f"{hosts} waited {lasted} for {what.format(whom)}."
    if finding is None and not down and not _met(cluster) and (rough := _rough(cluster, by_index)) is not None:
        yield f"{host_of(rough[0])} (start {rough[0].index}): {_lowered(rough[1].title)}."
    for episode in down:
        last = by_index[episode.starts[-1]]
        why = leading(last.findings)
        if why is not None and (finding is None or why.id != finding.id):
            yield f"{host_of(last)} is not up: {_lowered(why.title)}."


def _unknown(address: str) -> str:
    """A host that the logs do not tell."""
    several = address.split()
    if len(several) > 1:
        return f"any of the servers {_names(several)}"
    return f"a server at {address}, whose log is not here" if address else "a host whose log is not here"


def _most(waits: Sequence[Waited]) -> float:
    return max((w.waited_s.min for w in waits if w.waited_s is not None), default=0.0)


def _range(spans: Sequence[Span]) -> str:
    ends = [span.max for span in spans]
    known = [end for end in ends if end is not None]
    low = min(span.min for span in spans)
    return wording.long_words(Span(low, max(known) if len(known) == len(ends) else None))


# ---------------------------------------------------------------- what to do, how sure


def _do(
    cluster: Cluster,
    start: StartReport | None,
    finding: Finding | None,
    down: Sequence[Episode],
    by_index: dict[int, StartReport],
) -> Iterator[str]:
    """What to do, the most urgent first."""
    if finding is not None and finding.advice and cluster.first_cause is not None:
        yield f"On {cluster.first_cause.host}: {finding.advice}"
    for episode in down:
        last = by_index[episode.starts[-1]]
        why = leading(last.findings)
        if why is not None and why.advice:
            yield f"On {host_of(last)}: {why.advice}"
    if start is not None and cluster.first_cause is not None and finding is None:
        host = cluster.first_cause.host
        yield (
            f"The others waited for {host}, whose log shows nothing wrong with it: "
            f"look at when its machine and its service started (start {start.index})."
        )
    if any(wait.waited_for.host is None and len(wait.address.split()) < 2 for wait in _met(cluster)):
        yield "Add the log of the server that the others asked."
    if (rough := _rough(cluster, by_index)) is not None:
        yield f"On {host_of(rough[0])} (start {rough[0].index}): {rough[1].advice}"
    yield "Nothing to do."


def _rough(cluster: Cluster, by_index: dict[int, StartReport]) -> tuple[StartReport, Finding] | None:
    """The first start of a cluster with a finding that asks for something."""
    found = ((by_index[number], leading(by_index[number].findings)) for number in cluster.starts)
    return next(((s, why) for s, why in found if why is not None and why.advice and why.severity != "info"), None)


def _sure(cluster: Cluster, met: Sequence[Waited], finding: Finding | None) -> str:
    if not met:
        return ""
    if cluster.first_cause is None:
        return "That they waited is certain: their own logs say so."
    return "Who waited for whom is certain: the logs of those that waited say so." + (
        " That this made it late is likely." if finding is not None else " What made it late is not known."
    )


def _clocks(cluster: Cluster) -> str:
    """How the clocks differ, and which were not compared."""
    first = (cluster.servers or cluster.agents)[0]
    compared = {clock.host: clock for clock in cluster.clock_offsets}
    apart = [clock for clock in compared.values() if not _agrees(clock)]
    agree = [host for host in cluster.hosts if host in compared and _agrees(compared[host])]
    missing = [host for host in cluster.hosts if host != first and host not in compared]
    told = []
    if agree:
        most = max(max(abs(c.lower_s or 0.0), abs(c.upper_s or 0.0)) for h, c in compared.items() if h in agree)
        told.append(f"The clocks of {_names([first, *agree])} agree within {wording.at_most(most)}.")
    told += [_offset(clock) for clock in apart[:2]]
    if missing:
        told.append(f"The clocks of {first} and {_names(missing)} could not be compared.")
    return " ".join(told)


def _agrees(clock: ClockOffset) -> bool:
    low, high = clock.lower_s, clock.upper_s
    return low is not None and high is not None and low >= -_AGREE_S and high <= _AGREE_S


def _offset(clock: ClockOffset) -> str:
    low, high = clock.lower_s, clock.upper_s
    if low is not None and low > 0:
        length = wording.span_words(Span(low, high))
        return f"The clock of {clock.host} is ahead of {clock.against}'s by {length}."
    if high is not None and high < 0:
        length = wording.span_words(Span(-high, None if low is None else -low))
        return f"The clock of {clock.host} is behind {clock.against}'s by {length}."
    if low is not None and high is not None:
        most = wording.at_most(max(-low, high))
        return f"The clocks of {clock.host} and {clock.against} differ by {most} at most."
    return f"The clock of {clock.host} is bounded from one side only."


# ---------------------------------------------------------------- words


def _names(hosts: Sequence[str]) -> str:
    kept = sorted(dict.fromkeys(hosts))
    if len(kept) <= _NAMED:
        return " and ".join(", ".join(kept).rsplit(", ", 1))
    return f"{', '.join(kept[: _NAMED - 1])} and {len(kept) - _NAMED + 1} more hosts"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _count(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"


def _lowered(title: str) -> str:
    """A title behind a colon; names and abbreviations keep their capitals."""
    first = title.split(" ", 1)[0]
    return title[:1].lower() + title[1:] if first[1:].islower() or len(first) == 1 else title


__all__ = ["ClusterAnswer", "apart", "cluster_answers", "of_cluster"]
