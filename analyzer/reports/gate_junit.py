"""The verdict of limits as JUnit's XML, which nearly every CI shows: one suite, one test case a limit.

Valid by Ant's schema and by that of Jenkins: an undecided limit is ``skipped`` with its reason, with ``--strict`` a
failure. Ant demands a moment and a host: they are the beginning of the latest start and ``localhost``, so that the same
starts give the same file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from analyzer.errors import printable
from analyzer.gate.model import GateReport, LimitResult, Result
from analyzer.reports import gate_words as words
from analyzer.reports.format import DEFAULT, Options
from analyzer.version import __version__

SUITE = "k3slog gate"
_CLASS = "k3slog.gate"  # the test cases' class, by which CI groups them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What no XML may hold, not even as a reference; control characters are visible escapes before.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: GateReport, options: Options = DEFAULT) -> str:
    """XML with a final newline, one element a line."""
    shown = words.masked(report)
    results = [as_judged(one.result, strict=shown.strict) for one in shown.limits]
    counts = {
        "tests": len(results), "failures": results.count("fail"), "errors": 0, "skipped": results.count("undecided"),
    }  # fmt: skip
    told = " ".join(f'{name}="{number}"' for name, number in counts.items())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name={_attribute(SUITE)} {told} time="0" timestamp="{_moment(shown)}" hostname="localhost">',
        *_properties(shown),
        *(line for one in shown.limits for line in _case(one, strict=shown.strict)),
        f"<system-out>{_text(words.verdict(shown))}</system-out>",
        f"<system-err>{_text(' '.join(words.inputs(shown)))}</system-err>",
        "</testsuite>",
    ]
    return "\n".join(lines) + "\n"


def _moment(report: GateReport) -> str:
    """When the latest start began, in UTC and without a zone, as Ant has it."""
    began = (start.began_at for start in report.collection.starts if start.began_at is not None)
    return max(map(_utc, began), default=_EPOCH).strftime("%Y-%m-%dT%H:%M:%S").zfill(19)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # next to the year 1 or 9999: a damaged timestamp
        return _EPOCH


def as_judged(result: Result, *, strict: bool) -> Result:
    """What a result counts as."""
    return "fail" if strict and result == "undecided" else result


def _properties(report: GateReport) -> list[str]:
    sides = {"": report.collection} | ({"baseline ": report.baseline} if report.baseline is not None else {})
    told = {"k3slog": __version__}
    for whose, side in sides.items():
        bad = len(words.bad_rows(side))
        told |= {
            f"{whose}starts": str(len(side.starts)),
            f"{whose}inputs read": str(len(side.inputs) - bad),
            f"{whose}inputs not read": str(bad),
        }
    rows = (f"<property name={_attribute(name)} value={_attribute(value)}/>" for name, value in told.items())
    return ["<properties>", *rows, "</properties>"]


def _case(one: LimitResult, *, strict: bool) -> list[str]:
    begin = f'<testcase classname="{_CLASS}" name={_attribute(words.title(one.limit))} time="0"'
    said = words.plain(one)
    match as_judged(one.result, strict=strict):
        case "pass":
            return [f"{begin}/>"]
        case "fail":
            kind = "undecided" if one.result == "undecided" else "limit"
            told = f'<failure message={_attribute(said)} type="{kind}">{_text(said)}</failure>'
        case "undecided":
            told = f"<skipped message={_attribute(said)}/>"
    return [f"{begin}>", told, "</testcase>"]


def _attribute(text: str) -> str:
    return quoteattr(_clean(" ".join(text.split())))


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", printable(text))
