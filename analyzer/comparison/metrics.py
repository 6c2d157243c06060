"""The metrics that a limit may be about: their names, units and statistics, and what somebody may have meant."""

from __future__ import annotations

from collections.abc import Collection as Names, Iterable
from difflib import get_close_matches
from itertools import chain
from typing import Literal

from analyzer.collection.metric_order import PHASES, is_phase
from analyzer.collection.model import CHECK, GOAL_METRICS, Collection
from analyzer.comparison.model import Unit
from analyzer.errors import UsageError
from analyzer.events.check_info import HOOK, info, known_checks
from analyzer.events.finding_info import known_findings
from analyzer.events.versions import all_check_names

AnyStatistic = Literal["median", "mean", "p90", "p99", "max", "min", "share", "count"]
FAILED = "failed"  # share of starts
RESTARTS = "restarts"
DETECTED, TAX = "detected", "polling_tax"
FINDINGS = "findings:"  # prefix: number of starts with such a finding
SEVERITIES = ("critical", "warning", "info")
ALIASES = {"api": "ready"}
GOALS = tuple(dict.fromkeys(GOAL_METRICS.values()))
STATISTICS: dict[str, AnyStatistic] = {
    "median": "median", "p50": "median", "mean": "mean", "p90": "p90", "p99": "p99", "max": "max", "min": "min",
    "share": "share", "count": "count",
}  # fmt: skip

_PLAIN = (*GOALS, DETECTED, TAX, RESTARTS, FAILED, *(name for name in PHASES if name not in GOALS and name != TAX))
_OF_LENGTHS: tuple[AnyStatistic, ...] = ("max", "p99", "p90", "median", "mean", "min")  # the default first
_SIMILAR, _CLOSE = 3, 0.5
_LONGEST = 100  # characters of a name that a log has


def in_full(metric: str) -> str:
    """A metric's own name: ``api`` is ``ready``, and a hook may be named without its prefix, as reports show it."""
    name = metric.removeprefix(CHECK)
    if name != metric and not info(name).known and info(HOOK + name).known:
        return f"{CHECK}{HOOK}{name}"
    return ALIASES.get(metric, metric)


def unit_of(metric: str) -> Unit:
    """Seconds, but for the share of starts that failed and for numbers of starts and of tries."""
    if metric == FAILED:
        return "share"
    return "count" if metric == RESTARTS or metric.startswith(FINDINGS) else "s"


def statistics_of(metric: str) -> tuple[AnyStatistic, ...]:
    """What can be asked of a metric, the default first."""
    if metric == FAILED:
        return ("share",)
    return ("count",) if metric.startswith(FINDINGS) else _OF_LENGTHS


def check_metric(metric: str) -> None:
    """Refuses what no start can ever have, as far as that is known before any log is read. Raises ``UsageError``."""
    if metric.startswith((CHECK, FINDINGS)):
        prefix, _, name = metric.partition(":")
        if not name:
            of = "readyz check" if prefix == "check" else "finding, or a severity"
            raise UsageError(f"{metric} lacks the name of a {of}", hint=f"For example {_EXAMPLES[prefix]}")
        return
    if metric not in _PLAIN and not is_phase_of_several(metric):
        raise unknown(metric, _PLAIN)


_EXAMPLES = {"check": "check:poststarthook/rbac/bootstrap-roles", "findings": "findings:critical"}


def is_phase_of_several(metric: str) -> bool:
    """A stretch that no line divides, with the ids of all phases that it may be: ``apiserver_boot+hooks``."""
    parts = metric.split("+")
    return len(parts) > 1 and all(part in PHASES for part in parts)


def check_names(metrics: Iterable[str], *collections: Collection) -> None:
    """The same for names that only a log can tell: those of checks and findings that no start has.

    Raises ``UsageError``.
    """
    for metric in metrics:
        kind, _, name = metric.partition(":")
        if metric.startswith(CHECK) and not any(metric in one.metrics for one in collections):
            if not info(name).known:
                checks = all_check_names() | {about.name for about in known_checks()}
                met = {id.removeprefix(CHECK) for one in collections for id in one.metrics if id.startswith(CHECK)}
                raise unknown(metric, [CHECK + known for known in sorted(checks | met)], kind)
        elif metric.startswith(FINDINGS) and name not in SEVERITIES:
            known = {about.id for about in known_findings()}
            if name not in known:
                known |= {id for one in collections for start in one.starts for id, _ in start.findings}
            if name not in known:
                raise unknown(metric, [FINDINGS + one for one in (*SEVERITIES, *sorted(known))], "finding")


def unknown(metric: str, known: Names[str], kind: str = "metric") -> UsageError:
    """The error for a name that is not among the known ones, with those that look like it."""
    close = similar(metric, known)
    if not close and kind != "metric":
        hint = "k3slog explain --list names all that are known"
    else:
        some = [one[:_LONGEST] for one in close] or [*_PLAIN, f"{CHECK}NAME", f"{FINDINGS}NAME"]
        hint = f"{'Did you mean' if close else 'There are'} {', '.join(some)}{'?' if close else ''}"
    return UsageError(f"there is no {kind} {metric!r}", hint=hint)


def similar(name: str, known: Names[str]) -> list[str]:
    """The known names that are most like it: those that hold it whole, else those with few other letters."""
    _, _, bare = name.rpartition(":")
    whole = [one for one in known if len(bare) > 2 and bare.lower() in one.lower()]
    return list(dict.fromkeys(chain(sorted(whole, key=len), get_close_matches(name, known, _SIMILAR, _CLOSE))))[
        :_SIMILAR
    ]


def phase_parts(metrics: Iterable[str], metric: str) -> tuple[str, ...]:
    """The stretches that may hold some of a phase, because no line divides it from others."""
    if metric in GOALS or not is_phase(metric) or "+" in metric:
        return ()
    return tuple(id for id in metrics if "+" in id and metric in id.split("+"))
