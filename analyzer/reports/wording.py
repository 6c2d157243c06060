"""Windows, lengths and moments in words: what every report for people says and rounds the same way.

Ends of windows and of lengths are rounded outwards, so that what is shown is never narrower than what is known;
stamped moments are rounded to the nearest. What names mean is data: :mod:`analyzer.events.terms`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from analyzer.events.terms import term
from analyzer.results import Phase, StartReport
from analyzer.timebase import offset_text, precision_words as precision_words
from analyzer.window import Span, Window, down, up

_LABEL_LIMIT = 16


def phase_meaning(phase: str, noticer: str = "k3s") -> str:
    """What a phase waited for; of one that no line divides, that it may be any of several."""
    ids = phase.split("+")
    if len(ids) == 1:
        return term("phase", phase).meaning.format(noticer=noticer)
    return f"{', '.join(ids[:-1])} or {ids[-1]}: no line divides them"


def noticer(start: StartReport) -> str:
    """Who noticed readiness: in a log ``k3s`` itself, in saved polls ``this wait`` that made them."""
    return term("observer", start.observer).short


def phase_label(phase: str) -> str:
    """A phase's id for a table, the first of several alone where all are too long."""
    return phase if len(phase) <= _LABEL_LIMIT else f"{phase.split('+')[0]}+…"


def until_noticed(phases: Sequence[Phase]) -> list[Phase]:
    """The phases from its begin to the moment at which readiness was noticed; all, where none of them ends there."""
    phases = [phase for phase in phases if phase.id != "boot"]
    ends = (number for number, phase in enumerate(phases, 1) if phase.id == "polling_tax")
    return list(phases[: next(ends, None)])


def _ends(lower: float, upper: float) -> tuple[str, str]:
    """Both ends with as many decimals as show a window of this width without making it much wider."""
    width = upper - lower
    places = 1 if width >= 0.15 else 2 if width >= 0.0095 else 3
    return down(lower, places), up(upper, places)


# What is said of a range: nothing known, one end known, both ends alike, a begin and an end; of a length also: none.
_MOMENTS = {"unknown": "?", "most": "≤ {}", "least": "> {}", "exact": "{}", "between": "{}–{}"}
_MOMENTS_IN_WORDS = {
    "unknown": "at an unknown moment",
    "most": "by {} s",
    "least": "after {} s, if at all",
    "exact": "at {} s",
    "between": "between {} and {} s",
}
_LENGTHS = _MOMENTS | {"least": "≥ {}", "none": "0"}
_LENGTHS_IN_WORDS = {
    "unknown": "not known",
    "most": "up to {} s",
    "least": "at least {} s",
    "exact": "{} s",
    "between": "{} to {} s",
    "none": "0 s",
}


def number_range(lower: float | None, upper: float | None, words: Mapping[str, str] = _MOMENTS) -> str:
    """``12.0–14.1``, ``> 12.0``, ``≤ 14.1`` or ``?``."""
    if lower is None:
        return words["unknown"] if upper is None else words["most"].format(up(upper))
    if upper is None:
        return words["least"].format(down(lower))
    low, high = _ends(lower, upper)
    return words["exact"].format(low) if low == high else words["between"].format(low, high)


def window_range(window: Window) -> str:
    """A window for a table cell, in seconds."""
    return number_range(window.lower, window.upper)


def window_words(window: Window) -> str:
    """A window for a sentence: ``between 12.0 and 14.1 s``, ``after 12.0 s, if at all``, ``by 14.1 s``."""
    return number_range(window.lower, window.upper, _MOMENTS_IN_WORDS)


def span_range(span: Span | None) -> str:
    """A length for a table cell: ``2.0–6.0``, ``0``, ``≥ 2.0`` or ``?``."""
    nothing_known = span is None or (span.max is None and span.min <= 0)
    return _length(None if nothing_known else span, _LENGTHS)


def span_words(span: Span | None) -> str:
    """A length for a sentence: ``2.0 to 6.0 s``, ``up to 6.0 s``, ``at least 2.0 s``."""
    return _length(span, _LENGTHS_IN_WORDS)


def _length(span: Span | None, words: Mapping[str, str]) -> str:
    if span is None:
        return words["unknown"]
    if span.max is not None and span.max <= 0:
        return words["none"]
    if span.max is not None:
        low, high = _ends(span.min, span.max)
        if float(low) <= 0:
            return words["most"].format(high)
    return number_range(span.min, span.max, words)


def long_words(span: Span) -> str:
    """A length that may be minutes, for a sentence: ``4 min 29 s to 4 min 34 s``, ``at least 15 min 00 s``."""
    if span.max is None:
        return f"at least {at_least(span.min)}"
    return length_words(span.min, span.max) if span.min >= 0.05 else f"up to {at_most(span.max)}"


def rounded_words(span: Span) -> str:
    """The same, as one number where a tenth of a second holds it."""
    narrow = span.max is not None and span.max - span.min < 0.05
    return about(span.middle) if narrow else long_words(span)


def later_words(span: Span | None) -> str:
    """``, 1.2 to 1.7 s later`` for after a moment; empty where nothing is known of the length."""
    if span is None or (span.max is None and span.min < 0.05):
        return ""
    return f", {span_words(span)} later"


def _worded(seconds: float, rounded: Callable[[float], int]) -> str:
    if seconds < 120:
        return f"{rounded(seconds * 10) / 10:.1f} s"
    if seconds < 7200:
        whole = rounded(seconds)
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = rounded(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def about(seconds: float) -> str:
    """A stamped moment or a typical length for a sentence, ``3.9 s``, ``6 min 40 s``, ``1 h 05 min``."""
    return _worded(seconds, round)


def passed(seconds: float, precision_s: float) -> str:
    """How long it is from the begin's timestamp to another one: no finer than timestamps to a second can tell."""
    if precision_s < 1 or seconds >= 120:
        return about(seconds)
    return f"about {round(seconds)} s" if seconds >= 1 else "less than 2 s"


def at_least(seconds: float) -> str:
    """A lower limit for a sentence, as ``about`` has it, rounded down."""
    return _worded(seconds, lambda value: math.floor(value + 1e-7))


def at_most(seconds: float) -> str:
    """An upper limit for a sentence, as ``about`` has it, rounded up."""
    return _worded(seconds, lambda value: math.ceil(value - 1e-7))


def length_words(lower: float, upper: float) -> str:
    """A range for a sentence, in minutes where it is long: ``10.2 to 12.3 s``, ``4 min 29 s to 4 min 34 s``."""
    if upper < 120:
        return number_range(lower, upper, _LENGTHS_IN_WORDS)
    low, high = at_least(lower), at_most(upper)
    return low if low == high else f"{low} to {high}"


def after_words(window: Window) -> str:
    """A window of a goal for a sentence: ``after 10.2 to 12.3 s``, ``within 14 s``, ``after more than 10 s``."""
    low, high = window.lower, window.upper
    if high is None:
        return "at an unknown moment" if low is None else f"after more than {at_least(low)}"
    if low is None or low < 0.05:
        return f"within {at_most(high)}"
    return f"after {length_words(low, high)}"


def clock_time(moment: datetime, precision_s: float, *, utc: bool = False) -> str:
    """Date and time as far as the stamps go, without the offset, which a report names once."""
    shown = moment.astimezone(UTC) if utc else moment
    text = shown.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{shown.microsecond // 1000:03d}" if precision_s < 1 and shown.microsecond else text


def offset(moment: datetime, *, utc: bool = False) -> str:
    """``UTC+01:00``, or ``UTC``."""
    shift = timedelta() if utc else moment.utcoffset()
    return f"UTC{offset_text(round(shift.total_seconds()))}" if shift else "UTC"


def capital(text: str) -> str:
    """A sentence's beginning; names that are written small stay so."""
    return text if text.startswith(("k3s", "klog")) else text[:1].upper() + text[1:]


def those_that_hold(*told: tuple[object, str]) -> list[str]:
    """Of conditions with their sentences the sentences whose condition holds."""
    return [sentence for holds, sentence in told if holds]


def first_that_holds(*told: tuple[object, str]) -> str:
    """The sentence of the first condition that holds; the last always does."""
    return those_that_hold(*told)[0]


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 start``, ``2 starts``, ``0 matches``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def program(start: StartReport) -> str:
    """What to call the process in a sentence."""
    return {"rke2": "RKE2"}.get(start.product, "k3s")


def what(start: StartReport) -> str:
    """``k3s server v1.33.4+k3s1``, as far as the text says."""
    product = "k3s or RKE2" if start.product == "unknown" else program(start)
    role = "" if start.role == "unknown" else start.role
    return " ".join(w for w in (product, role, start.version or "") if w)


def place(start: StartReport) -> str:
    """``k3s on node-1``, as far as the text says; empty where it does not."""
    return " on ".join(p for p in (start.unit, start.host) if p)
