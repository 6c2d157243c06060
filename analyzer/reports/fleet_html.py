"""A fleet as one self-contained page, see :mod:`analyzer.reports.html_page` for how it is kept safe.

It begins with the answer and the curve; tables follow. What is in the page as text and pictures stands without a
script; with it the curve and the table of all starts can be asked: every start that the page holds is in its data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analyzer.collection.groups import UNKNOWN
from analyzer.collection.model import Collection, FindingCount, Fleet, Group, Outlier, Slow
from analyzer.events.terms import term
from analyzer.reports import curve, fleet_page_answer as told, fleet_rows, fleet_words
from analyzer.reports.curve import Ends, Picture
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import filled, script
from analyzer.reports.page_words import (
    Stretch,
    count,
    finding_title,
    level_of,
    metric_axis,
    metric_heading,
    metric_words,
    outcome_bar,
    shown,
    took_text,
    unread,
)
from analyzer.reports.wording import number_range
from analyzer.version import __version__

GROUP_ROWS: Final = 100
FEW: Final = 10  # starts; smaller groups are drawn first only where there are no larger ones
_RANKED: Final = 50  # reasons, findings
_ALL_DRAWN: Final = 4  # groups up to which all are in the first picture
_DRAWN: Final = (0, 1, -1)  # of more, the slowest first

JsonObject = dict[str, Any]


def render(report: FleetReport, options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written; ``options.goal`` chooses the metric that it speaks of."""
    fleet, collection = report.fleet, report.collection
    told_by = fleet_words.goal(fleet.groups[0]) if fleet.groups else None
    goal = fleet_rows.goal_metric(collection, options.goal, told_by.id if told_by is not None else None)
    metric = None if goal is None else collection.metrics[goal]
    words = "" if goal is None else metric_words(goal)
    ends = None if metric is None else Ends.of(metric)
    groups = _groups(fleet, collection, goal)
    drawn = _first_drawn(groups)
    order = fleet_rows.in_order(collection, metric)
    data = fleet_rows.data(collection, order, goal)
    data |= {
        "by": [] if not groups else [told.label_id(name) for name, _ in groups[0].by],
        "groups": [group.key for group in groups],
        "drawn": [group.key for group in drawn],
        "first_rows": fleet_rows.FIRST_ROWS,
    }
    whole = fleet.groups[0] if fleet.groups else None
    return filled(
        "fleet.html.j2",
        _script(),
        plotly=False,
        styles=("many", "fleet"),
        title=_title(fleet),
        answer=told.answer(fleet, goal, words, ends),
        whole=whole,
        heading="Time until it was ready" if goal is None else metric_heading(goal),
        axis="" if goal is None else metric_axis(goal),
        pictures=_pictures(words, ends, drawn),
        groups=groups[:GROUP_ROWS],
        groups_more=max(0, len(groups) - GROUP_ROWS),
        all_starts=None if whole is None else _group(whole, ends, goal),
        drawn={group.key: f"c{place}" for place, group in enumerate(drawn)},
        reasons=[] if whole is None else list(_reasons(whole)),
        findings=[] if whole is None else list(_findings(_serious(whole), collection)),
        reasons_more=0 if whole is None else max(0, len(whole.reasons) - _RANKED),
        findings_more=0 if whole is None else max(0, len(_serious(whole)) - _RANKED),
        notes=[] if whole is None else list(_findings([one for one in whole.findings if _is_note(one)], collection)),
        slowest=list(_slowest(fleet.slowest)),
        outliers=[_outlier(one) for one in told.slower_hosts(fleet)],
        slower=[(told.name_of(o.by), told.link_of(o.by), shown(o.why)) for o in told.slower_groups(fleet)],
        rows=fleet_rows.first_rows(collection, order, metric),
        user_labels=any(start.labels for start in collection.starts),
        total=len(order),
        bad=unread(fleet.inputs),
        data=data,
        tool_version=__version__,
    )


def _script() -> str:
    return script("theme", "parts", "fleet_data", "curve", "fleet_filters", "fleet_table", "fleet")


def _title(fleet: Fleet) -> str:
    if not fleet.starts:
        return "Fleet: no start found"
    hosts = fleet.groups[0].hosts if fleet.groups else 0
    return f"Fleet: {count(fleet.starts, 'start')} on {count(hosts, 'host')}"


# --- groups and the curve


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group in the table and, where it is drawn, in the picture."""

    by: tuple[tuple[str, str], ...]
    key: str
    name: str
    href: str
    starts: int
    hosts: int
    outcomes: tuple[Stretch, ...]
    failed: str
    quantiles: tuple[str, ...]
    rank: float
    ends: Ends | None


def _groups(fleet: Fleet, collection: Collection, goal: str | None) -> list[GroupRow]:
    """The groups beside the whole; ``--by`` of several labels makes sets of groups, of which the first is taken."""
    rest = fleet.groups[1:]
    names = [name for name, _ in rest[0].by] if rest else []
    metric = None if goal is None else collection.metrics[goal]
    made = []
    for group in rest:
        if [name for name, _ in group.by] == names:
            ends = None if metric is None else Ends.of(metric, group.members)
            made.append(_group(group, ends, goal))
    return made


def _group(group: Group, ends: Ends | None, goal: str | None) -> GroupRow:
    summary = told.summary_of(group, goal)
    quantiles = () if summary is None else (summary.p50, summary.p90, summary.p99)
    failed = dict(group.outcomes).get("failed", 0)
    return GroupRow(
        by=group.by,
        key="\n".join(told.value_of(name, value) for name, value in group.by),
        name=told.name_of(group.by),
        href=told.link_of(group.by),
        starts=group.starts,
        hosts=group.hosts,
        outcomes=tuple(outcome_bar(group.outcomes, group.starts)),
        failed=f"{failed:,} ({curve.share(failed, group.starts)})" if failed else "0",
        quantiles=tuple(number_range(one.min, one.max) for one in quantiles) or ("–",) * 3,
        rank=0.0 if summary is None else summary.p50.min,
        ends=ends,
    )


def _first_drawn(groups: Sequence[GroupRow]) -> list[GroupRow]:
    """All groups where they are few; else the two slowest and the fastest of those with more than a few starts."""
    known = [group for group in groups if group.ends is not None and group.ends.n]
    if len(known) <= _ALL_DRAWN:
        return known
    large = [group for group in known if group.ends is not None and group.ends.n >= FEW]
    ranked = sorted(large if len(large) >= len(_DRAWN) else known, key=lambda group: (-group.rank, group.key))
    chosen = {ranked[place].key for place in _DRAWN}
    return [group for group in known if group.key in chosen]


def _pictures(words: str, ends: Ends | None, drawn: Sequence[GroupRow]) -> list[Picture]:
    if ends is None or not ends.n:
        return []
    bands = [("whole", "all starts", ends)]
    bands += [(f"c{place}", group.name, group.ends) for place, group in enumerate(drawn) if group.ends is not None]
    log = curve.spread_out(ends)
    return [curve.picture(bands, log, size, words) for size in (curve.WIDE, curve.NARROW)]


# --- what is ranked


@dataclass(frozen=True, slots=True)
class Ranked:
    """A reason or a finding; bars in percent of the first."""

    text: str
    href: str
    starts: int
    hosts: int
    starts_bar: str
    hosts_bar: str
    severity: str = ""
    sign: str = ""
    note: str = ""


def _reasons(whole: Group) -> Iterator[Ranked]:
    starts = max((one.starts for one in whole.reasons), default=1)
    hosts = max((one.hosts for one in whole.reasons), default=1)
    for one in whole.reasons[:_RANKED]:
        yield Ranked(
            shown(one.reason),
            told.link("reason", one.reason),
            one.starts,
            one.hosts,
            _percent(one.starts, starts),
            _percent(one.hosts, hosts),
        )


def _serious(whole: Group) -> list[FindingCount]:
    """Findings that may ask for something; notes, which nearly every start has, would dwarf them in one table."""
    return [one for one in whole.findings if not _is_note(one)]


def _is_note(one: FindingCount) -> bool:
    return level_of(one.severity) == "info"


def _findings(found: Sequence[FindingCount], collection: Collection) -> Iterator[Ranked]:
    starts = max((one.starts for one in found), default=1)
    hosts = max((one.hosts for one in found), default=1)
    products = {start.product for start in collection.starts}
    for one in found[:_RANKED]:
        yield Ranked(
            finding_title(one.id, products),
            told.link("finding", one.id),
            one.starts,
            one.hosts,
            _percent(one.starts, starts),
            _percent(one.hosts, hosts),
            severity=level_of(one.severity),
            sign=term("finding", level_of(one.severity)).sign,
            note=shown(one.id),
        )


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole if whole else 0:.1f}"


@dataclass(frozen=True, slots=True)
class SlowRow:
    """A slow start; its bar certainly lasts up to ``sure`` and may last ``more``, in percent of the longest."""

    host: str
    href: str
    where: str
    took: str
    cause: str
    sure: str
    more: str


def _slowest(slowest: Sequence[Slow]) -> Iterator[SlowRow]:
    longest = max((one.most or one.least for one in slowest), default=1.0)
    for one in slowest:
        yield SlowRow(
            host=shown(one.host) or UNKNOWN,
            href=told.link("host", one.host) if one.host else "",
            where=f"{shown(one.input)}:{one.index}",
            took=took_text(one.least, one.most),
            cause=shown(one.cause),
            sure=_percent(one.least, longest),
            more=_percent((longest if one.most is None else one.most) - one.least, longest),
        )


@dataclass(frozen=True, slots=True)
class OutlierRow:
    """A host that stands out, in words."""

    host: str
    href: str
    metric: str
    why: str
    against: str
    p_value: str


def _outlier(one: Outlier) -> OutlierRow:
    return OutlierRow(
        host=shown(one.host),
        href=told.link("host", one.host),
        metric=metric_words(one.metric),
        why=shown(one.why),
        against=", ".join(told.value_of(name, v) for name, v in one.by if v != UNKNOWN) or "all starts",
        p_value="< 0.0001" if one.p_value < 1e-4 else f"{one.p_value:.4f}",
    )
