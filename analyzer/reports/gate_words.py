"""What is said of limits: the same in the terminal, in Markdown, in JUnit's files and in annotations.

Plain data, made of the finished verdict. Texts may hold words of a log or of a user: whoever shows them must escape
them for the medium. Ranges are rounded outwards.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from analyzer.collection.groups import host_of
from analyzer.collection.model import Collection, Fleet, InputRow
from analyzer.comparison.metrics import unit_of
from analyzer.comparison.model import Unit
from analyzer.events.redaction import mask_secrets
from analyzer.events.terms import term
from analyzer.gate.limits import usual_name
from analyzer.gate.model import GateLimit, GateReport, LimitResult, Result
from analyzer.reports import wording
from analyzer.reports.difference_words import percent, signed_count, signed_percent, signed_range
from analyzer.reports.fleet_report import bad_inputs, masked_labels
from analyzer.reports.fleet_words import bad, counted, number

MARKS: dict[Result, str] = {"pass": "ok", "fail": "failed", "undecided": "unknown"}  # of terms("mark")
_ORDER: tuple[Result, ...] = ("fail", "undecided", "pass")
_LONGEST_INPUT = 60  # characters of a path
_BEGIN = 8  # … of its beginning, at least


def masked(report: GateReport) -> GateReport:
    """``report`` with every secret masked, whoever put it there: a label, a path, a URL with credentials."""
    return replace(
        report,
        limits=tuple(_masked(one) for one in report.limits),
        collection=_masked_inputs(report.collection),
        baseline=None if report.baseline is None else _masked_inputs(report.baseline),
    )


def _masked(one: LimitResult) -> LimitResult:
    return replace(
        one,
        limit=_masked_limit(one.limit),
        why=mask_secrets(one.why),
        input=None if one.input is None else mask_secrets(one.input),
    )


def _masked_limit(limit: GateLimit) -> GateLimit:
    shown = replace(
        limit,
        metric=mask_secrets(limit.metric),
        text=mask_secrets(limit.text),
        where=tuple(_masked_condition(one) for one in limit.where),
    )
    return replace(shown, name=usual_name(shown) if limit.name == usual_name(limit) else mask_secrets(limit.name))


def _masked_condition(text: str) -> str:
    """``NAME=VALUE``, of which the name may say that the value is a secret."""
    name, sign, value = text.partition("=")
    bare = name.removesuffix("!")
    [(shown, masked)] = masked_labels(((bare, value),))
    return f"{shown}{name[len(bare) :]}{sign}{masked}"


def _masked_inputs(collection: Collection) -> Collection:
    rows = (
        replace(row, input=mask_secrets(row.input), error=mask_secrets(row.error)) if row.error else row
        for row in collection.inputs
    )
    return replace(collection, inputs=tuple(rows))


# --- the whole


def ranked(report: GateReport) -> list[LimitResult]:
    """What failed first, then what is undecided, each in the order in which the limits were given."""
    return sorted(report.limits, key=lambda one: _ORDER.index(one.result))


def sign(result: Result) -> str:
    """Before a limit, or before the whole."""
    return term("mark", MARKS[result]).sign


def verdict(report: GateReport) -> str:
    """One sentence on all limits, and of what they were judged."""
    counts = Counter(one.result for one in report.limits)
    total, failed, open_ = len(report.limits), counts["fail"], counts["undecided"]
    if not failed and not open_:
        said = "The limit passes" if total == 1 else f"All {counted(total, 'limit')} pass"
    elif total == 1:
        said = "The limit fails" if failed else "The limit is undecided"
    else:
        said = f"{number(failed)} of {counted(total, 'limit')} {'fails' if failed == 1 else 'fail'}" if failed else ""
        of = "" if failed else f" of {counted(total, 'limit')}"
        said += f"{', ' if failed else ''}{number(open_)}{of} {_is(open_)} undecided" if open_ else ""
    strict = " (with --strict that counts as failed)" if open_ and report.strict else ""
    return f"{said}{strict}: {judged_on(report)}."


def judged_on(report: GateReport) -> str:
    """``36 starts of 6 hosts from 18 inputs``, and how many the baseline has."""
    told = _starts(report.collection)
    return told if report.baseline is None else f"{told}; the baseline has {_starts(report.baseline)}"


def _starts(collection: Collection) -> str:
    hosts = len({host for start in collection.starts if (host := host_of(start)) is not None})
    of = f" of {counted(hosts, 'host')}" if hosts else ""
    return f"{counted(len(collection.starts), 'start')}{of} from {counted(len(collection.inputs), 'input')}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def inputs(report: GateReport) -> list[str]:
    """What of the inputs could not be used, by kind, and of the baseline's."""
    sides = [("", report.collection)] + (
        [("Of the baseline: ", report.baseline)] if report.baseline is not None else []
    )
    told = ((whose, bad(_as_fleet(side))) for whose, side in sides)
    return [f"{whose}{said}" for whose, said in told if said]


def bad_rows(collection: Collection) -> Sequence[InputRow]:
    """The inputs that could not be used."""
    return bad_inputs(_as_fleet(collection))


def _as_fleet(collection: Collection) -> Fleet:
    return Fleet(tuple(collection.inputs), len(collection.starts), (), (), (), ())


# --- one limit


def title(limit: GateLimit) -> str:
    """A limit by its name, and what it says where the name is the user's own."""
    return limit.name if limit.name == usual_name(limit) else f"{limit.name} ({usual_name(limit)})"


def observed(one: LimitResult) -> str:
    """What was seen of it: ``10.2 to 12.3 s``, ``5–10%``, ``+3 to +18%``; empty where nothing was."""
    least, most, unit = one.least, one.most, unit_of(one.limit.metric)
    if least is None or most is None:
        return ""
    if one.limit.growth:
        return _growth(least, most, unit, relative=one.limit.relative)
    if math.isinf(least):
        return "never" if unit == "s" else "no end"
    if unit == "share":
        return percent(least, most)
    if unit == "count":
        return _count(least, most)
    if math.isinf(most):
        return "not known" if least < 0.05 else f"more than {wording.at_least(least)}"
    return wording.length_words(least, most) if least >= 0.05 or most >= 120 else f"up to {wording.at_most(most)}"


def _growth(least: float, most: float, unit: Unit, *, relative: bool) -> str:
    if relative:
        return signed_percent(least, most)
    if unit == "share":
        return signed_percent(least, most, " points")
    if unit == "count":
        return signed_count(least, most)
    told = signed_range(least, most)
    return f"{told} s" if told[-1:].isdigit() else told


def _count(least: float, most: float) -> str:
    if math.isinf(most):
        return f"{least:,.3g} or more"
    return f"{least:,.3g}" if least == most else f"{least:,.3g} to {most:,.3g}"


def because(one: LimitResult) -> str:
    """Why, as a sentence."""
    return f"{wording.capital(one.why)}."


def where(one: LimitResult, room: int = _LONGEST_INPUT) -> str:
    """``logs/a.log, start 1, line 61``: the start that decided, of a long path both ends; empty where none did."""
    if one.input is None:
        return ""
    told = [_short(one.input, room)]
    told += [f"start {one.start}"] if one.start is not None else []
    told += [f"line {one.line}"] if one.line is not None else []
    return ", ".join(told)


def _short(path: str, room: int) -> str:
    """A long path without its middle: its beginning and the whole name of the file may be what is its own alone."""
    if len(path) <= room:
        return path
    name = path.rstrip("/")[path.rstrip("/").rfind("/") + 1 :]
    end = min(max(len(name) + 1, room // 2), 2 * room)
    begin = max(room - 1 - end, _BEGIN)
    return f"{path[:begin]}…{path[-end:]}" if begin + 1 + end < len(path) else path


def plain(one: LimitResult) -> str:
    """All that is said of a limit, in one line of text."""
    seen, place = observed(one), where(one)
    said = f"{seen}. {because(one)}" if seen else because(one)
    return f"{said} ({place})" if place else said
