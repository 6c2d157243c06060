"""What the page of a fleet says first: how it went, what needs someone, and how sure that is. Plain data, no markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from analyzer.collection.groups import UNKNOWN
from analyzer.collection.model import Fleet, Group, Labels, MetricSummary, Outlier, Quantile
from analyzer.events.finding_info import title_of
from analyzer.events.terms import term
from analyzer.reports import fleet_words as words_of_many
from analyzer.reports.curve import Ends, share
from analyzer.reports.fleet_rows import OWN_LABELS
from analyzer.reports.page_words import Piece, Section, Stretch, count, listed, outcome_bar, shown, shown_value
from analyzer.reports.wording import at_least, at_most, capital, length_words, plural

_LEAST: Final = (4, 10)  # starts that half of them, and 9 in 10, take
_NAMED: Final = 3  # hosts that a sentence names
_RELEASE: Final = ("version", "kubernetes")


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
    troubles = sorted(_troubles(fleet, whole), key=lambda trouble: -trouble.starts)
    sections = [trouble.section for trouble in troubles] or [_met(whole)]
    return _marked(
        words_of_many.mark(fleet),
        _verdict(whole, summary_of(whole, metric), words, ends),
        (*sections, *_sure(fleet, whole, metric, ends), *_unread(fleet)),
        tuple(outcome_bar(whole.outcomes, whole.starts)),
    )


def _marked(mark: str, verdict: str, sections: tuple[Section, ...], bar: tuple[Stretch, ...]) -> FleetAnswer:
    looks = term("mark", mark)
    state = "nothing stands out" if mark == "ok" else looks.short
    return FleetAnswer(mark, looks.sign, state, verdict, sections, bar)


def _of_nothing(fleet: Fleet) -> FleetAnswer:
    verdict = f"No start of k3s or RKE2 was found in {plural(len(fleet.inputs), 'input')}."
    return _marked(words_of_many.mark(fleet), verdict, tuple(_unread(fleet)), ())


def summary_of(group: Group, metric: str | None) -> MetricSummary | None:
    """The summary of one metric; ``None`` where no start of the group has it."""
    return next((one for one in group.metrics if one.id == metric and one.n), None)


_OUTCOMES: Final = (
    ("ready", "became ready", "became ready"),
    ("failed", "failed", "failed"),
    ("stopped", "was stopped before", "were stopped before"),
    ("incomplete", "is left open by the log", "are left open by the logs"),
)


def _verdict(whole: Group, summary: MetricSummary | None, words: str, ends: Ends | None) -> str:
    counts = dict(whole.outcomes)
    told = f"{count(whole.starts, 'start')} on {count(whole.hosts, 'host')}"
    known = [(counts[name], one, many) for name, one, many in _OUTCOMES if counts.get(name)]
    parts = [f"{number:,} {one if number == 1 else many}" for number, one, many in known]
    if whole.starts == 1:
        parts = [f"it {one}" for _, one, _ in known]
    all_came = summary is not None and summary.id == "ready" and counts.get("ready") == whole.starts
    said = (
        f" {_times(summary, words, ends, words_of_many.whose(summary, whole.starts), all_came=all_came)}"
        if summary is not None and ends is not None and ends.n
        else ""
    )
    return f"{told}: {listed(parts)}.{said}".rstrip()


def _times(summary: MetricSummary, words: str, ends: Ends, whose: str, *, all_came: bool) -> str:
    """How long it took, as far as so many starts say it; ``whose``: of which, where others do not have it."""
    ready = summary.id == "ready"
    at_all = "" if all_came else ", if at all"
    if ends.never == ends.n:
        return ""  # the outcomes have said it
    if summary.n == 1:
        return f"{'It was ready' if ready else capital(words)} {quantile_after(summary.p50, at_all)}."
    if summary.n < _LEAST[0]:
        return ""
    of_whom = f" of {whose}" if whose else ""
    begun = f"Half{of_whom} were ready" if ready else f"{capital(words)}: half{of_whom}"
    half = f"{begun} {quantile_after(summary.p50, at_all)}"
    return f"{half}, 9 in 10 {quantile_after(summary.p90, at_all)}." if summary.n >= _LEAST[1] else f"{half}."


def quantile_after(found: Quantile, at_all: str) -> str:
    """``after 20.5 to 21.3 s``, ``after more than 20 s, if at all``."""
    if found.max is None:
        return f"after more than {at_least(found.min)}{at_all}"
    return f"after {length_words(found.min, found.max)}"


# --- what needs someone


def _troubles(fleet: Fleet, whole: Group) -> Iterator[_Trouble]:
    yield from _failures(whole)
    releases = slower_groups(fleet)
    if releases:
        yield _slow(fleet, releases)
    hosts = slower_hosts(fleet)
    if hosts:
        yield _outliers(hosts, whole)


def slower_groups(fleet: Fleet) -> list[Outlier]:
    """The releases among what stands out: they have no host."""
    return [one for one in fleet.outliers if not one.host]


def slower_hosts(fleet: Fleet) -> list[Outlier]:
    """The hosts among what stands out."""
    return [one for one in fleet.outliers if one.host]


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


def _slow(fleet: Fleet, groups: Sequence[Outlier]) -> _Trouble:
    pieces: list[Piece] = []
    for number, one in enumerate(groups[:_NAMED]):
        pieces += [
            Piece("; " if number else ""),
            Piece(name_of(one.by), link_of(one.by)),
            Piece(f" is slower: {shown(one.why)}"),
        ]
    more = f"; and {len(groups) - _NAMED} more" if len(groups) > _NAMED else ""
    concerned = {one.by for one in groups}
    starts = sum(group.starts for group in fleet.groups if group.by in concerned)
    release = all(name in _RELEASE for name, _ in groups[0].by)
    label = ("Release" if release else "Group") + ("s" if len(groups) > 1 else "")
    # how many starts a release has is known only where the summary is by release; it concerns more than a host does
    return _Trouble(starts or fleet.starts, Section(label, (*pieces, Piece(_ended(pieces[-1].text, more))), lead=True))


def _ended(last: str, more: str) -> str:
    return more + ("" if not more and last.endswith(".") else ".")


def _outliers(found: Sequence[Outlier], whole: Group) -> _Trouble:
    """The surest one with what differs, the next ones by name; the table has them all."""
    hosts = list(dict.fromkeys(one.host for one in found))
    pieces = [Piece(shown(hosts[0]), link("host", hosts[0])), Piece(f": {shown(found[0].why)}")]
    pieces.append(Piece(_ended(pieces[-1].text, "")))
    for number, host in enumerate(hosts[1 : _NAMED + 1]):
        pieces += [Piece(", " if number else " Also "), Piece(shown(host), link("host", host))]
    if len(hosts) > 1:
        more = len(hosts) - 1 - _NAMED
        pieces.append(Piece(f" and {count(more, 'more host', 'more hosts')}." if more > 0 else "."))
    typical = max(1, whole.starts // max(1, whole.hosts))
    return _Trouble(len(hosts) * typical, Section("Host" if len(hosts) == 1 else "Hosts", tuple(pieces), lead=True))


def _met(whole: Group) -> Section:
    """Where nothing failed and nobody stands out: the finding that most starts have, or that there is none."""
    found = next(iter(words_of_many.findings(whole)), None)
    if found is None:
        return Section("Normal", (Piece("Nothing stands out."),))
    where = f"{count(found.starts, 'start')} on {count(found.hosts, 'host')}: "
    return Section(
        "Finding", (Piece(where), Piece(title_of(found.id), link("finding", found.id)), Piece(".")), lead=True
    )


# --- how sure, and what is missing


def _sure(fleet: Fleet, whole: Group, metric: str | None, ends: Ends | None) -> Iterator[Section]:
    if ends is None or not ends.n:
        return
    width = ends.width()
    apart = f", here typically {at_most(width)} apart" if width is not None and width >= 0.05 else ""
    said = [f"A log shows when somebody looked, so every time is a pair of bounds{apart}."]
    if ends.never:
        said.append(f"{count(ends.never, 'start')} with no known end count as later than all others.")
    found = summary_of(whole, metric)
    half = found.p50 if found is not None else None
    if fleet.confidence is None:
        said.append("How other hosts might differ is not in the bounds; --confidence adds it.")
    elif half is not None and half.lower is not None and half.upper is not None:
        level = f"{fleet.confidence * 100:g} %"
        said.append(
            f"With other hosts like these, half would be there after {length_words(half.lower, half.upper)} ({level})."
        )
    if fleet.outliers:
        said.append("Hosts are named only where chance and the windows hardly explain the difference.")
    yield Section("Sure", (Piece(" ".join(said)),))


def _unread(fleet: Fleet) -> Iterator[Section]:
    bad = [one for one in fleet.inputs if one.error]
    said = []
    if bad:
        said.append(f"{len(bad):,} of {count(len(fleet.inputs), 'input')} could not be used and are missing here.")
    if fleet.repeated:
        said.append(
            f"{count(fleet.repeated, 'start')} came twice and {'counts' if fleet.repeated == 1 else 'count'} once."
        )
    if said:
        yield Section("Missing" if bad else "Also", (Piece(" ".join(said)),))


# --- words and links


def name_of(by: Labels) -> str:
    """``version v1.33.4+k3s1``, ``site east, version …``; the whole is ``all starts``."""
    return ", ".join(f"{shown(name)} {value_of(name, value)}" for name, value in by) or "all starts"


def link(name: str, value: str | None) -> str:
    """The filter of the table that shows the starts with a label, a reason or a finding."""
    return f"#{quote(name, safe='.')}={quote(shown(value), safe='')}"


def link_of(by: Labels) -> str:
    """The filter that shows the starts of a group."""
    names = [(label_id(name), value_of(name, value)) for name, value in by]
    return "#" + "&".join(link(name, value)[1:] for name, value in names)


def label_id(name: str) -> str:
    """What the page's script calls a label: the user's are told apart from our own."""
    return name if name in OWN_LABELS else f"label.{shown(name)}"


def value_of(name: str, value: str) -> str:
    """The value of a label of a group, as the page's data has it."""
    return shown_value(name, value) or UNKNOWN
