"""Episodes: the tries of one unit on one host, from the first begin until it stays up.

Worked out from the finished starts alone, so that it says the same of a report that was anonymized or read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from analyzer.events.finding_info import info
from analyzer.results import Cause, Episode, EpisodeOutcome, Finding, Goal, Report, StartReport
from analyzer.window import OPEN, Span, Window

_CLOCK_UNSET = "clock_unset"
HELD_S = 60.0  # a goal that held so long ends an episode
_DEFAULT_GOAL = {"agent": "node"}


def goal_of(start: StartReport, name: str | None = None) -> Goal:
    """A goal of a start, by default ``api``, of an agent ``node``: what its outcome speaks of."""
    wanted = name or default_goal(start)
    if wanted == "api" and (start.role != "agent" or start.observer != "k3s"):
        return Goal("api", start.ready, "reached" if start.outcome == "ready" else "unknown")
    return next((goal for goal in start.goals if goal.id == wanted), Goal(wanted, OPEN, "unknown"))


def default_goal(start: StartReport) -> str:
    """What its outcome speaks of."""
    return _DEFAULT_GOAL.get(start.role, "api") if start.observer == "k3s" else "api"


def episodes_of(report: Report) -> tuple[Episode, ...]:
    """The episodes of a report; of one that was read back those that it tells, also of starts that it left out."""
    return episodes(report.starts) if report.told is None else report.told.episodes


def episodes(starts: Sequence[StartReport]) -> tuple[Episode, ...]:
    """All episodes in the order in which they began; every start is in one."""
    open_: dict[tuple[object, ...], list[StartReport]] = {}
    groups: list[list[StartReport]] = []
    for start in starts:
        place = _place(start)
        group = open_.get(place)
        if group is None or _over(group[-1], start):
            group = open_[place] = []
            groups.append(group)
        group.append(start)
    return tuple(_episode(number, group) for number, group in enumerate(groups, 1))


def neediest(found: Sequence[Episode], starts: Sequence[StartReport]) -> Episode | None:
    """The episode that needs someone: unresolved before resolved, then the one that lost most time, then the last."""
    by_index = {start.index: start for start in starts}

    def need(episode: Episode) -> tuple[int, float, int]:
        last = by_index[episode.starts[-1]]
        return (_urgency(episode, last), lost_s(episode), episode.index)

    return max(found, key=need, default=None)


def lost_s(episode: Episode) -> float:
    """Seconds that certainly passed before the goal, or before the log ends."""
    return episode.took_s.min if episode.took_s is not None else 0.0


def _urgency(episode: Episode, last: StartReport) -> int:
    if episode.outcome == "failed" or last.end.kind == "failed":
        return 3
    if episode.outcome == "ongoing":
        if hardly_begun(last) and episode.tries == 1:
            return 0
        return 3 if any(finding.severity == "critical" for finding in last.findings) else 2
    return 1


def hardly_begun(start: StartReport) -> bool:
    """Systemd's next try, of which the log holds no more."""
    seen = {milestone.id for milestone in start.milestones}
    return start.outcome == "incomplete" and start.pid is None and seen <= {"systemd_starting", "systemd_started"}


def _place(start: StartReport) -> tuple[object, ...]:
    """Whose tries belong together; logs that name neither host nor unit are told apart by their file."""
    alone = start.source if start.host is None else None
    return (start.host, start.unit, start.observer, alone)


def _over(last: StartReport, following: StartReport) -> bool:
    """Whether the episode of ``last`` was over when the next start began."""
    if last.end.kind == "stopped" or last.outcome == "stopped" or (following.index != last.index + 1 and _apart(last)):
        return True
    reached = goal_of(last).window.upper
    if last.outcome != "ready" or reached is None:
        return last.outcome == "ready"  # nobody knows when: it is not counted as a try that failed
    return _lived_s(last, following) - reached >= HELD_S


def _apart(last: StartReport) -> bool:
    """Behind a ready start whose end is not in the log other starts may have been left out."""
    return last.outcome == "ready" and last.end.kind == "running"


def _lived_s(start: StartReport, following: StartReport | None = None) -> float:
    """How long its process lived at most, in seconds since its begin; without an end in the log to the next begin."""
    if start.end.at_s is not None:
        return start.end.at_s
    between = _between(start, following) if following is not None else None
    return between.max if between is not None and between.max is not None else start.cut_at_s or 0.0


def _between(first: StartReport, later: StartReport) -> Span | None:
    """From one begin to a later one."""
    if first.began_at is None or later.began_at is None:
        return None
    apart = (later.began_at - first.began_at).total_seconds()
    if apart <= -first.clock.precision_s or any(one.id == _CLOCK_UNSET for one in first.findings):
        return None  # the clock was set between the two: a machine without a battery at its clock
    return Span(max(0.0, apart - first.clock.precision_s), max(0.0, apart + later.clock.precision_s))


def _episode(number: int, tries: Sequence[StartReport]) -> Episode:
    first, last = tries[0], tries[-1]
    made = Episode(
        index=number,
        host=first.host,
        unit=first.unit,
        starts=tuple(start.index for start in tries),
        began_at=first.began_at,
        outcome=_outcome(last),
        tries=len(tries),
        took_s=_took(tries),
    )
    return replace(made, cause=_cause(tries))


def _outcome(last: StartReport) -> EpisodeOutcome:
    if last.outcome == "ready":
        reached = goal_of(last).window.upper
        short = reached is not None and last.end.at_s is not None and last.end.at_s - reached < HELD_S
        return "failed" if last.end.kind == "failed" and short else "ready"
    if last.outcome in ("failed", "stopped"):
        return "failed" if last.outcome == "failed" else "stopped"
    ended = {"failed": "failed", "stopped": "stopped"}
    return ended.get(last.end.kind, "ongoing")  # type: ignore[return-value]


def _took(tries: Sequence[StartReport]) -> Span | None:
    first, last = tries[0], tries[-1]
    before = Span(0.0, 0.0) if len(tries) == 1 else _between(first, last)
    if before is None or any(start.clock.steps for start in tries[:-1]):
        return None
    window = goal_of(last).window if last.outcome == "ready" else _so_long(last)
    if window.lower is None and window.upper is None:
        return None
    known = before.max is not None and window.upper is not None and first.begun_before_s is not None
    most = (before.max or 0.0) + (window.upper or 0.0) + (first.begun_before_s or 0.0)
    return Span(before.min + max(0.0, window.lower or 0.0), most if known else None)


def _so_long(start: StartReport) -> Window:
    """Without its goal: as long as the log shows it, or as long as it lived."""
    at = start.end.at_s if start.end.at_s is not None else start.cut_at_s
    return Window(at, at if start.end.kind != "running" else None)


def _cause(tries: Sequence[StartReport]) -> Cause | None:
    """The first finding of the tries that failed: of several the one that cost most time; else of the last start."""
    failed = [start for start in tries if start.outcome == "failed" or start.end.kind == "failed"]
    cost: dict[str, float] = {}
    told: dict[str, tuple[StartReport, Finding]] = {}
    for start in failed or tries[-1:]:
        finding = leading(start.findings)
        if finding is not None:
            cost[finding.id] = cost.get(finding.id, 0.0) + max(start.end.at_s or start.cut_at_s or 0.0, 1e-3)
            told[finding.id] = (start, finding)
    if not cost:
        return None
    start, finding = told[max(cost, key=lambda name: cost[name])]
    return Cause(start.index, finding.id, finding.title)


def leading(findings: Iterable[Finding]) -> Finding | None:
    """The finding that answers why: the first above ``info``, else the first that tells what made a start slow."""
    kept = [finding for finding in findings if not _of_tries(finding)]
    trouble = next((finding for finding in kept if finding.severity != "info"), None)
    if trouble is not None:
        return trouble
    return next((finding for finding in kept if (about := info(finding.id)) is not None and about.slows), None)


def _of_tries(finding: Finding) -> bool:
    """Findings that only say that other tries failed."""
    return finding.id in ("crash_loop", "failed_tries_before", "restarted")
