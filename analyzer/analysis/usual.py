"""How long a start of this kind usually takes until it is ready, by what was measured on real servers."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.analysis.since_begin import least_since_begin
from analyzer.events.measured import kinds
from analyzer.results import Milestone, StartReport, Usual
from analyzer.site import Site


def boot_s(start: StartReport) -> float | None:
    """From the API server's version line to serving, in seconds: how much CPU it had."""
    return _boot_s(start.milestones)


def _boot_s(milestones: Iterable[Milestone]) -> float | None:
    at = {one.id: one.at_s for one in milestones}
    begin, end = at.get("apiserver_version"), at.get("serving_securely")
    return None if begin is None or end is None or end < begin else end - begin


def usual(site: Site, milestones: Iterable[Milestone]) -> Usual | None:
    """The usual time to readiness; ``None`` for what was not measured: agents, RKE2, other databases."""
    if site.product != "k3s" or site.role == "agent":
        return None
    took = _boot_s(milestones)
    kind = next((one for one in kinds() if one.fits(site.datastore, took)), None)
    if kind is None:
        return None
    return Usual(kind.words, kind.starts, kind.below(25), kind.below(75), kind.usual_s)


def is_usual(start: StartReport) -> bool:
    """Whether it was certainly ready in the time that nearly all starts of its kind took."""
    most, common = start.ready.upper, _common(start)
    return common is not None and most is not None and most <= common.late_s


def is_slow(start: StartReport) -> bool:
    """Whether it was certainly ready later than three of four starts of its kind."""
    least, common = start.ready.lower, _common(start)
    return common is not None and least is not None and least_since_begin(start, least) > common.to_s


def is_late(start: StartReport) -> bool:
    """Whether it was certainly ready later than nearly all starts of its kind."""
    least, common = start.ready.lower, _common(start)
    return common is not None and least is not None and least_since_begin(start, least) > common.late_s


def _common(start: StartReport) -> Usual | None:
    """What is usual, of a start that was ready and whose time from its begin is known."""
    judged = start.outcome == "ready" and start.begin_seen and start.observer == "k3s"
    return start.usual if judged else None
