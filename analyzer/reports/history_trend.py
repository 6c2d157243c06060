"""The trend of a history as a picture: a point a group, its median as far as the windows show it, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.comparison.model import History, MetricComparison, Unit
from analyzer.reports import comparison_words, history_words as words
from analyzer.reports.curve import NARROW, WIDE, seconds_text
from analyzer.reports.page_words import shown
from analyzer.reports.percent_scale import Scale

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 22, 44
_ZOOMED: Final = 0.75  # of the highest end that the lowest has, from which on the axis does not begin at 0
_LETTER: Final = 6.6  # pixels
_LONGEST: Final = 16  # letters of a name below the picture
_THINNEST: Final = 3.0  # pixels
_SIGNS: Final = {"slower": "▲", "faster": "▼"}


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A group in its column from ``at`` on: the bar of its median, the line of its interval, the sign of its step."""

    x: str
    left: str
    width: str
    at: str
    wide: str
    top: str
    height: str
    line: str
    look: str
    sign: str
    sign_at: str
    told: str


@dataclass(frozen=True, slots=True)
class TrendPicture:
    """All that the template draws."""

    width: int
    height: int
    look: str
    yticks: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]
    points: tuple[TrendPoint, ...]
    left: int
    right: int
    top: int
    bottom: int
    from_zero: bool


def pictures(history: History) -> list[TrendPicture]:
    """The picture for a screen, and that for a telephone; none without points whose median is known."""
    if not any(math.isfinite(point.observed.min) and point.observed.n for point in history.points):
        return []
    return [_picture(history, size) for size in (WIDE, NARROW)]


def _picture(history: History, size: tuple[int, int]) -> TrendPicture:
    width, height = size
    unit = words.unit(history)
    scale = _scale(history, unit)
    step = (width - _LEFT - _RIGHT) / len(history.points)
    xs = [_LEFT + step * (at + 0.5) for at in range(len(history.points))]
    return TrendPicture(
        width=width,
        height=height,
        look="wide" if size == WIDE else "narrow",
        yticks=tuple((f"{_y(tick.value, scale, height):.1f}", _tick(tick.value, unit)) for tick in scale.ticks()),
        names=tuple(_names([shown(words.point_name(point)) for point in history.points], xs, width)),
        points=tuple(_points(history, xs, step, scale, height)),
        left=_LEFT,
        right=width - _RIGHT,
        top=_TOP,
        bottom=height - _BOTTOM,
        from_zero=scale.low == 0.0,
    )


def _steps(history: History) -> list[MetricComparison | None]:
    """What the verdict of each step speaks of; nothing for the first group."""
    found = [comparison_words.leading(step.comparison) for step in history.steps]
    return [None, *found][: len(history.points)]


def _points(history: History, xs: Sequence[float], step: float, scale: Scale, height: int) -> list[TrendPoint]:
    made = []
    thick = min(14.0, max(2.0, 0.5 * step))
    told = [", ".join(filter(None, _told(row))) for row in words.trend_rows(history)]
    metrics = [*_steps(history), *[None] * len(history.points)]
    for point, x, metric, said in zip(history.points, xs, metrics, told, strict=False):
        ends = point.observed.min, point.observed.max, point.interval.lower, point.interval.upper
        low, high, least, most = (_y(end, scale, height) for end in ends)
        tall = max(low - high, _THINNEST)
        verdict = "undecided" if metric is None else metric.verdict
        made.append(
            TrendPoint(
                x=f"{x:.1f}",
                left=f"{x - thick / 2:.1f}",
                width=f"{thick:.1f}",
                at=f"{x - step / 2:.1f}",
                wide=f"{step:.1f}",
                top=f"{(low + high - tall) / 2:.1f}",
                height=f"{tall:.1f}",
                line=f"M{x:.1f} {least:.1f}V{most:.1f}",
                look=verdict,
                sign=_SIGNS.get(verdict, ""),
                sign_at=f"{min(most, high) - 6:.1f}",
                told=shown(said),
            )
        )
    return made


def _told(row: tuple[str, ...]) -> tuple[str, ...]:
    name, starts, seen, interval, change, verdict = row
    certain = verdict in ("slower", "faster", "more", "fewer")
    step = f"{verdict} than the one before ({change})" if certain else f"against the one before {change}"
    return f"{name}: {seen}", f"interval {interval}", f"{starts} starts", step if change else ""


# --- axes


def _scale(history: History, unit: Unit) -> Scale:
    ends = [
        end
        for point in history.points
        for end in (point.observed.min, point.observed.max, point.interval.lower, point.interval.upper)
        if math.isfinite(end)
    ]
    low, high = max(0.0, min(ends)), max(ends)
    if unit == "share":
        return Scale.over(0.0, min(1.0, max(high, 0.1)), 5)
    if any(math.isinf(point.observed.max) or math.isinf(point.interval.upper) for point in history.points):
        high *= 1.15
    return Scale.over(low if low >= _ZOOMED * high else 0.0, high, 5)


def _y(value: float, scale: Scale, height: int) -> float:
    return _TOP + (1.0 - scale.part(value) / 100.0) * (height - _TOP - _BOTTOM)


def _tick(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100.0 * value:g} %"
    return seconds_text(value) if unit == "s" else f"{value:g}"


def _names(names: Sequence[str], xs: Sequence[float], width: int) -> list[tuple[str, str]]:
    """As many names below the picture as have room, the last one always."""
    short = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    room = max(map(len, short)) * _LETTER + 8.0
    made: list[tuple[float, str]] = []
    for x, name in reversed(list(zip(xs, short, strict=True))):
        at = min(x, width - 0.5 * room + 4.0)
        if not made or made[-1][0] - at >= room:
            made.append((at, name))
    return [(f"{at:.1f}", name) for at, name in reversed(made)]
