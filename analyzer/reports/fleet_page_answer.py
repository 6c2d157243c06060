"""What the page of a fleet says first: how it went, what needs someone, and how sure that is. Plain data, no markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final
from urllib.parse import quote

from analyzer.collection.model import Fleet, Group, MetricSummary, Quantile
from analyzer.events.terms import term
from analyzer.reports.fleet_curve import Ends
from analyzer.reports.fleet_rows import OWN_LABELS, UNKNOWN, shown, shown_value
from analyzer.reports.wording import at_least, at_most, capital, length_words, plural

SLOWER: Final = 1.2  # times as long as the other groups take, and …
SLOWER_S: Final = 1.0  # … so many seconds more, from which on a group is said to be slower
FEW: Final = 10  # starts of a group below which nothing is said of it
GRAVE: Final = 0.1  # share of failed starts from which on the whole has failed
_NAMED: Final = 3  # hosts that a sentence names
_RELEASE: Final = ("version", "kubernetes")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; ``href``: a filter of the page's table that shows what it names."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A label and what it says; ``lead``: what needs someone."""

    label: str
    pieces: tuple[Piece, ...]
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the bar of outcomes, in percent of the whole."""

    outcome: str
    at: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class FleetAnswer:
    """What the answer block shows."""

    mark: str
    sign: str
    state: str
    verdict: str
    sections: tuple[Section, ...]
    bar: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What needs someone, and how many starts it concerns."""

    starts: int
    section: Section


def answer(fleet: Fleet, metric: str | None, words: str, ends: Ends | None) -> FleetAnswer:
    """The answer; ``metric`` is the one that it speaks of, ``words`` what that is called, ``ends`` all its windows."""
    whole = fleet.groups[0] if fleet.groups else None
    if whole is None or not whole.starts:
        return _of_nothing(fleet)
    troubles = sorted(_troubles(fleet, whole, metric), key=lambda trouble: -trouble.starts)
    failed = dict(whole.outcomes).get("failed", 0)
    mark = "failed" if failed >= GRAVE * whole.starts else "slow" if troubles else "ok"
    sections = [trouble.section for trouble in troubles] or [Section("Normal", (Piece("Nothing stands out."),))]
    return _marked(
        mark,
        _verdict(whole, summary_of(whole, metric), words, ends),
        (*sections, *_sure(fleet, whole, metric, ends), *_unread(fleet)),
        tuple(outcome_bar(whole)),
    )


def _marked(mark: str, verdict: str, sections: tuple[Section, ...], bar: tuple[Stretch, ...]) -> FleetAnswer:
    looks = term("mark", mark)
    state = "nothing stands out" if mark == "ok" else looks.short
    return FleetAnswer(mark, looks.sign, state, verdict, sections, bar)


def _of_nothing(fleet: Fleet) -> FleetAnswer:
    verdict = f"No start of k3s or RKE2 was found in {plural(len(fleet.inputs), 'input')}."
    return _marked("unknown", verdict, tuple(_unread(fleet)), ())


def summary_of(group: Group, metric: str | None) -> MetricSummary | None:
    """The summary of one metric; ``None`` where no start of the group has it."""
    return next((one for one in group.metrics if one.id == metric and one.n), None)


def _verdict(whole: Group, summary: MetricSummary | None, words: str, ends: Ends | None) -> str:
    counts = dict(whole.outcomes)
    told = f"{count(whole.starts, 'start')} on {count(whole.hosts, 'host')}"
    parts = [f"{counts[name]:,} {said}" for name, said in _OUTCOMES if counts.get(name)]
    verdict = f"{told}: {listed(parts)}."
    if summary is not None and ends is not None and ends.n:
        half, most = quantile_after(summary.p50), quantile_after(summary.p90)
        if summary.id == "ready":
            verdict += f" Half were ready {half}, 9 in 10 {most}."
        else:
            verdict += f" {capital(words)}: half {half}, 9 in 10 {most}."
    return verdict


_OUTCOMES: Final = (
    ("ready", "became ready"),
    ("failed", "failed"),
    ("stopped", "were stopped before"),
    ("incomplete", "were never seen ready"),
)


def quantile_after(found: Quantile) -> str:
    """``after 20.5 to 21.3 s``, ``after more than 20 s``."""
    return f"after more than {at_least(found.min)}" if found.max is None else f"after {length_words(found.min, found.max)}"


def outcome_bar(group: Group) -> Iterator[Stretch]:
    """The outcomes of a group, the good ones first."""
    order = [name for name, _ in _OUTCOMES]
    at = 0.0
    for name, number in sorted(group.outcomes, key=lambda item: (order.index(item[0]) if item[0] in order else 9, item)):
        width = number / max(1, group.starts) * 100
        if number:
            yield Stretch(name, f"{at:.2f}", f"{width:.2f}", f"{number:,} {name} ({share(number, group.starts)})")
        at += width


# --- what needs someone


def _troubles(fleet: Fleet, whole: Group, metric: str | None) -> Iterator[_Trouble]:
    yield from _failures(whole)
    slow = slower_group(fleet.groups, metric)
    if slow is not None:
        yield _slow(*slow)
    if fleet.outliers:
        yield _outliers(fleet, whole)


def _failures(whole: Group) -> Iterator[_Trouble]:
    failed = dict(whole.outcomes).get("failed", 0)
    if not failed:
        return
    said = f"{count(failed, 'start')} failed ({share(failed, whole.starts)})"
    pieces = [Piece(said, link("outcome", "failed"))]
    if whole.reasons:
        top = whole.reasons[0]
        where = f"{top.starts:,} on {count(top.hosts, 'host')}"
        pieces += [Piece(f", most often ({where}): "), Piece(shown(top.reason), link("reason", top.reason))]
    yield _Trouble(failed, Section("Failures", (*pieces, Piece(".")), lead=True))


def slower_group(groups: Sequence[Group], metric: str | None) -> tuple[Group, float, float] | None:
    """The group whose half takes longest against the others, with its lower and their typical upper end, in seconds.

    Only where the windows leave no doubt: its lower end is compared with the upper ends of the others.
    """
    known = [(group, one.p50) for group in groups[1:] if (one := summary_of(group, metric)) and one.n >= FEW]
    best: tuple[Group, float, float] | None = None
    for group, own in known:
        names = [name for name, _ in group.by]
        others = [p.max for other, p in known if other is not group and [name for name, _ in other.by] == names]
        closed = [end for end in others if end is not None]
        if len(closed) < max(1, len(others)):
            continue
        usual = median(closed)
        clear = own.min > SLOWER * usual and own.min > usual + SLOWER_S
        if clear and (best is None or own.min / usual > best[1] / best[2]):
            best = group, own.min, usual
    return best


def _slow(group: Group, least: float, usual: float) -> _Trouble:
    release = group.by[0][0] in _RELEASE
    pieces = (
        Piece(group_name(group), group_link(group)),
        Piece(
            f" is slower: half of its {count(group.starts, 'start')} took more than {at_least(least)};"
            f" in the other {'releases' if release else 'groups'} half typically took at most {at_most(usual)}."
        ),
    )
    return _Trouble(group.starts, Section("Release" if release else "Group", pieces, lead=True))


def _outliers(fleet: Fleet, whole: Group) -> _Trouble:
    hosts = list(dict.fromkeys(one.host for one in fleet.outliers))
    pieces: list[Piece] = []
    for number, host in enumerate(hosts[:_NAMED]):
        why = next(one.why for one in fleet.outliers if one.host == host)
        pieces += [Piece("; " if number else ""), Piece(shown(host), link("host", host)), Piece(f": {shown(why)}")]
    more = f"; and {count(len(hosts) - _NAMED, 'more host', 'more hosts')}" if len(hosts) > _NAMED else ""
    typical = max(1, whole.starts // max(1, whole.hosts))
    label = "Host" if len(hosts) == 1 else "Hosts"
    return _Trouble(len(hosts) * typical, Section(label, (*pieces, Piece(f"{more}.")), lead=True))


# --- how sure, and what is missing


def _sure(fleet: Fleet, whole: Group, metric: str | None, ends: Ends | None) -> Iterator[Section]:
    if ends is None or not ends.n:
        return
    width = ends.width()
    apart = f", here typically {at_most(width)} apart" if width is not None and width >= 0.05 else ""
    said = [f"A log shows when somebody looked, so every time is a pair of bounds{apart}."]
    if ends.never:
        said.append(f"{count(ends.never, 'start')} never seen there count as later than all others.")
    found = summary_of(whole, metric)
    half = found.p50 if found is not None else None
    if fleet.confidence is None:
        said.append("How other hosts might differ is not in the bounds; --confidence adds it.")
    elif half is not None and half.lower is not None and half.upper is not None:
        level = f"{fleet.confidence * 100:g} %"
        said.append(f"With other hosts like these, half would be there after {length_words(half.lower, half.upper)} ({level}).")
    if fleet.outliers:
        said.append("Hosts are named only where chance and the windows hardly explain the difference.")
    yield Section("Sure", (Piece(" ".join(said)),))


def _unread(fleet: Fleet) -> Iterator[Section]:
    bad = [one for one in fleet.inputs if one.error]
    said = []
    if bad:
        said.append(f"{len(bad):,} of {count(len(fleet.inputs), 'input')} could not be read and are missing here.")
    if fleet.repeated:
        said.append(f"{count(fleet.repeated, 'start')} came twice and {'counts' if fleet.repeated == 1 else 'count'} once.")
    if said:
        yield Section("Missing" if bad else "Also", (Piece(" ".join(said)),))


# --- words and links


def count(number: int, noun: str, many: str = "") -> str:
    """``1 start``, ``5,000 starts``."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def share(part: int, whole: int) -> str:
    """``2 %``, ``0.4 %``, ``under 0.1 %``."""
    percent = part / max(1, whole) * 100
    return "under 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def group_name(group: Group) -> str:
    """``version v1.33.4+k3s1``, ``site east, version …``; the whole is ``all starts``."""
    return ", ".join(f"{shown(name)} {value_of(name, value) or UNKNOWN}" for name, value in group.by) or "all starts"


def link(name: str, value: str | None) -> str:
    """The filter of the table that shows the starts with a label, a reason or a finding."""
    return f"#{quote(name, safe='.')}={quote(shown(value), safe='')}"


def group_link(group: Group) -> str:
    """The filter that shows the starts of a group."""
    names = [(label_id(name), value_of(name, value)) for name, value in group.by]
    return "#" + "&".join(link(name, value)[1:] for name, value in names)


def label_id(name: str) -> str:
    """What the page's script calls a label: the user's are told apart from our own."""
    return name if name in OWN_LABELS else f"label.{shown(name)}"


def value_of(name: str, value: str) -> str:
    """The value of a label of a group, as the page's data has it."""
    return shown(value) if name in OWN_LABELS else shown_value(name, value)
