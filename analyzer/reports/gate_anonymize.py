"""The verdict of limits with stand-ins for names, fit to be shown in public: the same numbers and verdicts.

Hosts, inputs and the values of labels get one, also in the conditions of limits; a limit is called by what it says, not
by the name that somebody gave it. Metrics and sentences stay: they hold no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from analyzer.collection.labels import BUILT_IN
from analyzer.collection.model import Collection
from analyzer.gate.limits import usual_name
from analyzer.gate.model import GateLimit, GateReport, LimitResult
from analyzer.reports.fleet_anonymize import Said, Walk, learn
from analyzer.reports.pseudonyms import Pseudonyms


def anonymized(report: GateReport) -> GateReport:
    """``report`` with stand-ins; the same report always gives the same ones, each name the same everywhere."""
    names = Pseudonyms()
    sides = [side for side in (report.collection, report.baseline) if side is not None]
    learn(names, sides, Said())
    walk = Walk(names)
    shown: list[Collection] = [walk.collection(side) for side in sides]
    limits = tuple(_result(one, names) for one in report.limits)
    return replace(
        report,
        limits=tuple(_numbered(limits)),
        collection=shown[0],
        baseline=None if report.baseline is None else shown[1],
    )


def _result(one: LimitResult, names: Pseudonyms) -> LimitResult:
    return replace(one, limit=_limit(one.limit, names), input=None if one.input is None else names.file(one.input))


def _limit(limit: GateLimit, names: Pseudonyms) -> GateLimit:
    hidden = replace(limit, where=tuple(_condition(one, names) for one in limit.where))
    return replace(hidden, name=usual_name(hidden))


def _condition(text: str, names: Pseudonyms) -> str:
    """``host=node-17`` with the stand-in of the host."""
    name, sign, value = text.partition("=")
    bare = name.removesuffix("!")
    if bare in ("host", "input"):
        return f"{name}{sign}{names.host(value) if bare == 'host' else names.file(value)}"
    return text if bare in BUILT_IN else f"{name}{sign}{names.name(value)}"


def _numbered(limits: tuple[LimitResult, ...]) -> Iterator[LimitResult]:
    """Two limits that say the same had names of their own."""
    met: dict[str, int] = {}
    for one in limits:
        name = one.limit.name
        met[name] = met.get(name, 0) + 1
        yield one if met[name] == 1 else replace(one, limit=replace(one.limit, name=f"{name} ({met[name]})"))
