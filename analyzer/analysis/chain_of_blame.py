"""What readiness waited for, one thing after another: a pure function on a finished report of a start.

A link is there only when the source code or a line of the log puts it before the next one (the data is in
``checks.toml``), and when the windows of the two allow that order. Which checks may have been last is the bottleneck's
to say; where they are several, the chain holds only what all of them wait for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from analyzer.events.check_info import HOOK, Root, info, roots
from analyzer.results import BlameChain, Certainty, ChainLink, Check, Finding, Phase, StartReport
from analyzer.window import OPEN, Bound, Span, Window

_NAMED = re.compile(r'PostStartHook \\*"([^"\\]+)\\*" failed')
_EARLY, _SERVING, _AFTER = range(3)  # before the API server serves, its serving, and all later
_Step: TypeAlias = tuple[int, ChainLink]
_WORTH_S = 1.0  # a wait for the datastore before the API server that is surely shorter is not told


def blame_chain(start: StartReport) -> BlameChain | None:
    """The chain of one start; ``None`` where the log shows nothing of what it waited for."""
    if start.told is not None:
        return start.told.chain
    if start.role == "agent" and start.observer == "k3s":
        return _of_agent(start)
    hook = _in_reason(start)
    checks, certainty = start.bottleneck.checks, start.bottleneck.certainty
    if hook is not None:
        failing = tuple(name for name in _failing(start) if name != hook)
        return _Chain(start).of((hook,), "certain", in_reason=True, also_failing=failing)
    return _Chain(start).of(checks, certainty) if checks else _stuck_before_checks(start)


def _allows(first: Window, second: Window) -> bool:
    return first.lower is None or second.upper is None or first.lower <= second.upper


def _in_reason(start: StartReport) -> str | None:
    """The hook that ended the process, by its own last words."""
    if start.outcome not in ("failed", "incomplete"):
        return None
    said = _NAMED.search(f"{start.outcome_reason or ''} {start.end.reason or ''}")
    return HOOK + said[1].removeprefix(HOOK) if said is not None else None


def _failing(start: StartReport) -> Iterator[str]:
    return (check.name for check in start.checks if check.failing_at_last)


class _Chain:
    """Links of a server's checks."""

    def __init__(self, start: StartReport) -> None:
        self.start = start
        self.checks = {check.name: check for check in start.checks}
        self.serving = _serving(start)
        self.late_store = _datastore_phase(start)

    def of(
        self,
        last: tuple[str, ...],
        certainty: Certainty,
        *,
        in_reason: bool = False,
        also_failing: tuple[str, ...] = (),
    ) -> BlameChain:
        """The chain that ends with checks that may have been last."""
        first, *others = [self._path(name) for name in last]
        stages = [{(stage, link.name) for stage, link in path} for path in others]
        shared = [(stage, link) for stage, link in first if all((stage, link.name) in other for other in stages)]
        root = self._root(shared)
        saving = self._saving(root, shared, last) if root is not None and self.start.outcome == "ready" else None
        links = tuple(_joined([link for _, link in shared]))
        name = root[1].name if root is not None else None
        return BlameChain(last, certainty, links, name, saving, in_reason, also_failing)

    def _path(self, name: str) -> list[_Step]:
        """From the first thing that one check waited for to the check itself."""
        walk = [name]
        while (need := self._need(walk)) is not None:
            walk.append(need)
        found = [(_AFTER, _of_check(self.checks.get(one), one)) for one in reversed(walk)]
        for position, (_, link) in enumerate(found):
            used = (roots()[root] for root in info(link.name).uses)
            slow = [(_AFTER, of_root) for root in used if (of_root := self._slow(root, link.name)) is not None]
            if slow:
                found[position:position] = slow
                break
        return _in_order([*self._before(name), *found])

    def _need(self, walk: list[str]) -> str | None:
        """The check before the last one of a walk: of those it needs the latest of which the log says something."""
        told = [
            check
            for name in info(walk[-1]).needs
            if (check := self.checks.get(name)) is not None
            and name not in walk
            and (check.seen_failing or (info(name).kind != "trivial" and check.cleared.upper is not None))
            and _allows(check.cleared, self._window(walk[-1]))
        ]
        return max(told, key=lambda check: check.cleared.lower or 0.0).name if told else None

    def _window(self, name: str) -> Window:
        return self.checks[name].cleared if name in self.checks else OPEN

    def _before(self, name: str) -> Iterator[_Step]:
        """What came before all hooks, and what slowed everything."""
        if self._finding(roots()["cpu"], since_serving=False) is not None:
            yield _EARLY, _of_root(roots()["cpu"], OPEN, slow=True)
        if self.serving is None or not _behind_a_hook(name):
            return
        if self.late_store is not None:
            yield _EARLY, replace(_of_root(roots()["datastore"], self.late_store.end), why=roots()["datastore"].early)
        yield _SERVING, _of_root(roots()["serving"], self.serving)

    def _slow(self, root: Root, name: str) -> ChainLink | None:
        """The link of a root that the log shows to have been slow while the check was at work."""
        upper = self._window(name).upper
        probes = [
            check
            for probe in root.probes
            if (check := self.checks.get(probe)) is not None
            and self._failed_late(check, root, upper)
            and _allows(check.cleared, self._window(name))
        ]
        if probes:
            latest = max(probes, key=lambda check: (check.cleared.lower or 0.0, check.name))
            return _of_root(root, latest.cleared)
        return _of_root(root, OPEN, slow=True) if self._finding(root) is not None else None

    def _failed_late(self, check: Check, root: Root, upper: float | None) -> bool:
        """Whether a probe failed when it no longer does so for being young, and before the check had passed."""
        at = check.failing_until_s
        if at is None or self.serving is None or self.serving.upper is None:
            return False
        return at > self.serving.upper + root.settling_s and (upper is None or at < upper)

    def _finding(self, root: Root, *, since_serving: bool = True) -> Finding | None:
        """A finding that shows a root to have been slow, with a line on the way to readiness."""
        begin, end = self._line_of_serving() if since_serving else 1, self.start.ready.upper_ref
        for finding in self.start.findings:
            told = finding.id in root.findings and (finding.severity != "info" or root.mild)
            last = end[1] if end is not None and end[0] == finding.source else None
            inside = (n for n in finding.lines if begin is not None and begin <= n and (last is None or n <= last))
            if told and (not since_serving or finding.source == self.serving_source) and any(True for _ in inside):
                return finding
        return None

    def _line_of_serving(self) -> int | None:
        return None if self.serving is None else self.serving.lower_line

    @property
    def serving_source(self) -> int | None:
        """The source that holds the line of serving."""
        return None if self.serving is None else self.serving.source

    def _root(self, steps: Sequence[_Step]) -> _Step | None:
        """The step to look at: what the log shows to have been slow, else the first check that all wait for."""
        slow = [(stage, link) for stage, link in steps if link.name == "cpu" or (stage, link.kind) == (_AFTER, "root")]
        if slow:
            return min(slow, key=lambda step: self._rank(step[1]))
        early = next((step for step in steps if step[0] == _EARLY), None)
        if early is not None and self.late_store is not None and self._most_of_it(self.late_store):
            return early
        return next((step for step in steps if step[1].kind == "check"), steps[-1] if steps else None)

    def _rank(self, link: ChainLink) -> int:
        """Findings stand with causes before what they cause; what a check shows needs none."""
        places = [n for n, finding in enumerate(self.start.findings) if finding.id in roots()[link.name].findings]
        return min(places, default=-1)

    def _most_of_it(self, phase: Phase) -> bool:
        """Whether the wait for the datastore surely took longer than all that came after serving."""
        ready = self.start.ready.upper
        after = None if ready is None or self.serving is None else ready - (self.serving.lower or 0.0)
        return after is None or phase.duration_s.min >= after

    def _saving(self, root: _Step, steps: Sequence[_Step], last: tuple[str, ...]) -> Span | None:
        stage, link = root
        if link.kind == "check":
            return self._saving_of_check(link.name, last)
        if stage == _EARLY and self.late_store is not None and link.name == "datastore":
            most = self.late_store.duration_s.max
        elif stage == _AFTER and self.serving is not None:
            most = self._since(self.serving.lower, link.name)
            waited = any(step[0] == _EARLY and step[1].name == link.name for step in steps)
            if waited and most is not None and self.late_store is not None and self.late_store.duration_s.min >= most:
                most = self._since(self.late_store.begin.lower, link.name, waited=True)
        else:
            return None
        return None if most is None else Span(0.0, most)

    def _saving_of_check(self, name: str, last: tuple[str, ...]) -> Span | None:
        saving = self.checks[name].saving_s if name in self.checks else None
        if saving is None or saving.max is None or last == (name,):
            return saving
        # Whatever needs it (the last check at least) would have begun that much earlier: by its own length at most.
        upper, ready = self.checks[name].cleared.upper, self.start.ready.upper
        if ready is None or self.serving is None:
            return saving
        own = (ready if upper is None else upper) - (self.serving.lower or 0.0)
        return Span(saving.min, max(saving.max, min(max(0.0, own), self._room(ready, self._waiting_for(name)))))

    def _since(self, since: float | None, root: str, *, waited: bool = False) -> float | None:
        """At most so much earlier, had a root been quick since a moment: up to where the rest had not passed yet.

        ``waited``: the API server waited for it, too; then all that came after would have come earlier.
        """
        ready = self.start.ready.upper
        if ready is None or since is None:
            return None
        # The first try is a second later by the process's own clock: another one may have been set meanwhile.
        first_try = max((info(name).first_try_s for name in self.checks), default=0.0)
        most = max(0.0, ready - since - (0.0 if self.start.clock.steps else first_try))
        slowed = {name for name in self.checks if self._goes_through(name, root)}
        return most if waited else min(most, self._room(ready, slowed))

    def _room(self, ready: float, slowed: Iterable[str]) -> float:
        """From the last moment at which a check that is not slowed had surely not passed to readiness."""
        rest = [
            c.cleared.lower for c in self.checks.values() if c.name not in set(slowed) and c.cleared.lower is not None
        ]
        begin = (self.serving.lower or 0.0) if self.serving is not None else 0.0
        return max(0.0, ready - max([begin, *rest]))

    def _goes_through(self, name: str, root: str) -> bool:
        about = info(name)
        probe = name in roots()[root].probes
        return probe or not about.known or root in about.uses or any(self._goes_through(n, root) for n in about.needs)

    def _waiting_for(self, name: str) -> set[str]:
        found, frontier = {name}, {name}
        while frontier:
            frontier = {c for c in self.checks if c not in found and frontier & set(info(c).needs)}
            found |= frontier
        return found


def _of_check(check: Check | None, name: str) -> ChainLink:
    about = info(name)
    why = f"waits for {about.waits_for}" if about.known else ""
    return ChainLink(name, "check", None, OPEN if check is None else check.cleared, why)


def _of_root(root: Root, window: Window, *, slow: bool = False) -> ChainLink:
    return ChainLink(root.id, "root", None, window, root.slow if slow else root.why)


def _joined(links: Sequence[ChainLink]) -> Iterator[ChainLink]:
    """Each link with the name of the one before it."""
    for before, link in zip((None, *links), links, strict=False):
        yield replace(link, waited_for=before.name if before is not None else None)


def _serving(start: StartReport) -> Window | None:
    """When the API server served, with its line."""
    stone = next((m for m in start.milestones if m.id == "serving_securely" and m.at_s is not None), None)
    if stone is None or stone.at_s is None:
        return None
    own_line = (stone.source, stone.line)
    for phase in start.phases:  # the time before it may be divided by another line as well
        if phase.id.split("+")[-1] == roots()["serving"].phase and phase.end.upper_ref == own_line:
            return phase.end
    end = Bound.OBSERVED
    late = stone.at_s + start.clock.precision_s
    return Window(stone.at_s, late, end, end, stone.line, stone.line, source=stone.source)


def _datastore_phase(start: StartReport) -> Phase | None:
    """The phase that surely was a wait for the datastore, and no short one."""
    of_it = roots()["datastore"].phase
    return next((p for p in start.phases if p.id == of_it and p.duration_s.min >= _WORTH_S), None)


def _stuck_before_checks(start: StartReport) -> BlameChain | None:
    """Of a start whose checks nobody saw: what it was waiting for where the log ends, if that is one thing only."""
    phase = start.phases[-1] if start.phases else None
    if phase is None or phase.end.upper is not None or start.outcome == "ready" or phase.duration_s.min < _WORTH_S:
        return None
    ids = phase.id.split("+")
    for root in roots().values():
        alone = ids == [root.phase] and root.id != "serving"
        told = any(finding.id in root.findings and finding.severity != "info" for finding in start.findings)
        if alone or (told and root.phase and root.id != "serving"):
            certainty: Certainty = "certain" if alone else "possible"
            return BlameChain((), certainty, (_of_root(root, phase.end),), root.id)
    return None


def _of_agent(start: StartReport) -> BlameChain | None:
    """An agent has no checks: its node is registered after its server answered (k3s only)."""
    goals = {goal.id: goal for goal in start.goals}
    server, node = goals.get("server"), goals.get("node")
    if start.product != "k3s" or server is None or node is None or server.state != "reached" or node.state != "reached":
        return _stuck_before_checks(start)
    if not _allows(server.window, node.window):
        return None
    links = (
        _of_root(roots()["server"], server.window),
        ChainLink("node", "goal", None, node.window, ""),
    )
    waited = next((p.duration_s.max for p in start.phases if p.id == roots()["server"].phase), None)
    return BlameChain((), "certain", tuple(_joined(links)), "server", None if waited is None else Span(0.0, waited))


def _behind_a_hook(name: str) -> bool:
    """Whether a check can only pass after hooks began, so after the API server served."""
    return name.startswith(HOOK) or any(map(_behind_a_hook, info(name).needs))


def _in_order(path: list[_Step]) -> list[_Step]:
    """The steps whose windows allow that they came before all later ones; the last is always one of them."""
    kept: list[_Step] = []
    for stage, link in reversed(path):
        if all(_allows(link.cleared, later.cleared) for _, later in kept):
            kept.insert(0, (stage, link))
    return kept
