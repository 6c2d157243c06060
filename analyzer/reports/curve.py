"""The curve of a metric over many starts, as a band: where a start may have got there, and where it must have.

Every start is known to a window, so the share of starts that got there by a moment is known between two curves: all
windows at their lower ends above, at their upper ends below. A start that was never seen there holds the lower curve
below 1. The page's script draws the same pictures at the width of the screen (``curve.js``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.collection.model import Metric

if TYPE_CHECKING:
    from analyzer.collection.model import FloatArray

LOOKS: Final = 6  # groups that can be told apart in one picture
SPREAD: Final = 6.0  # times the median that the slowest takes, from which on the axis is logarithmic
WIDE: Final = (960, 360)
NARROW: Final = (358, 300)  # for a telephone
NARROW_BELOW: Final = 560
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 10, 44
_COLUMN: Final = 2.0  # pixels between two points of a curve
_BRACKET: Final = 8.0  # pixels from one bracket to the next
_WORDS_BELOW, _WORDS_ABOVE, _LINE, _ROOM = 17.0, 6.0, 15.0, 26.0
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000,
                 36000, 86400, 172800, 604800)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of all windows of a metric, each ascending; ``most`` is infinite where a start never got there."""

    least: FloatArray
    most: FloatArray

    @classmethod
    def of(cls, metric: Metric, members: Sequence[int] | None = None) -> Ends:
        """Of the starts at ``members``, ``None``: of all that have the metric."""
        own = slice(None) if members is None else np.isin(metric.at, np.asarray(members, dtype=np.int64))
        return cls(np.sort(metric.least[own]), np.sort(metric.most[own]))

    @property
    def n(self) -> int:
        """How many starts have the metric."""
        return len(self.least)

    @property
    def never(self) -> int:
        """How many of them were never seen there."""
        return int(np.count_nonzero(np.isinf(self.most)))

    def quantile(self, level: float) -> tuple[float, float]:
        """The first moment at which a share of ``level`` may be there, and must be there (infinite: never seen)."""
        at = max(0, math.ceil(self.n * level - 1e-9) - 1)
        return float(self.least[at]), float(self.most[at])

    def width(self) -> float | None:
        """Half of the windows are at most so wide; ``None`` where none is closed."""
        closed = self.n - self.never
        # sorted apart, so this is the width of the band at the middle, which is what a reader of the curve sees
        return float(np.median(self.most[:closed] - self.least[:closed])) if closed else None


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds onto pixels ``left`` to ``right``."""

    low: float
    high: float
    log: bool
    left: float
    right: float

    def x(self, seconds: float) -> float:
        """Where a moment is, never beyond the edges."""
        at = min(max(seconds, self.low), self.high)
        part = math.log(at / self.low) / math.log(self.high / self.low) if self.log else at / self.high
        return self.left + part * (self.right - self.left)

    def seconds(self, x: float) -> float:
        """Which moment is there."""
        part = (x - self.left) / (self.right - self.left)
        return self.low * (self.high / self.low) ** part if self.log else part * self.high


@dataclass(frozen=True, slots=True)
class Band:
    """One group in the picture: paths of its area and of its two edges."""

    look: str
    name: str
    area: str
    upper: str
    lower: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The share of a band that was never seen there: a bracket at the right edge, with words beside its lower end."""

    look: str
    words: str
    path: str
    words_right: str
    words_at: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the template draws."""

    width: int
    height: int
    look: str
    xticks: tuple[tuple[str, str], ...]
    yticks: tuple[tuple[str, str], ...]
    bands: tuple[Band, ...]
    missing: tuple[Missing, ...]
    left: int
    right: int
    bottom: int
    title: str


def spread_out(ends: Ends) -> bool:
    """Whether some took so much longer than most that a linear axis would flatten these."""
    low, high = _range([ends])
    return bool(ends.n) and low > 0 and high > SPREAD * max(ends.quantile(0.5)[0], low)


def _range(shown: Iterable[Ends]) -> tuple[float, float]:
    """The least and the greatest end that is more than nothing and finite; 0 and 0 without any."""
    ends = [array[np.isfinite(array) & (array > 0)] for one in shown for array in (one.least, one.most)]
    kept = [array for array in ends if len(array)]
    return (min(float(a.min()) for a in kept), max(float(a.max()) for a in kept)) if kept else (0.0, 0.0)


def axis(whole: Ends, log: bool, width: float) -> Axis:
    """The axis on which all of ``whole`` has room."""
    low, high = _range([whole])
    if high <= 0:
        low, high = 0.5, 1.0
    if log:
        low = min(low, high / 2)
        return Axis(low * 0.9, high * 1.1, True, _LEFT, width - _RIGHT)
    return Axis(0.0, high * 1.04, False, _LEFT, width - _RIGHT)


def picture(
    bands: Sequence[tuple[str, str, Ends]], log: bool, size: tuple[int, int], title: str, whole: Ends | None = None
) -> Picture:
    """Bands (look, name, ends) as a picture. ``whole``: all for which the axis has room, where the first is not that.

    The first then is no band of all the others: what each of them lacks is marked in its own look.
    """
    width, height = size
    scale = axis(bands[0][2] if whole is None else whole, log, width)
    return Picture(
        width=width,
        height=height,
        look="wide" if size == WIDE else "narrow",
        xticks=tuple((f"{scale.x(at):.1f}", seconds_text(at)) for at in ticks(scale)),
        yticks=tuple((f"{_y(part, height):.1f}", f"{part * 100:.0f} %") for part in SHARES),
        bands=tuple(_band(look, name, ends, scale, height) for look, name, ends in bands if ends.n),
        missing=_missing([("", bands[0][2])] if whole is None else [(one[0], one[2]) for one in bands], size),
        left=_LEFT,
        right=width - _RIGHT,
        bottom=height - _BOTTOM,
        title=title,
    )


def _missing(marked: Sequence[tuple[str, Ends]], size: tuple[int, int]) -> tuple[Missing, ...]:
    """A bracket for each that lacks something, side by side; its words inside where there is room."""
    width, height = size
    made: list[Missing] = []
    words_at = -math.inf
    open_ended = [(look, ends) for look, ends in marked if ends.never]
    words_right = width - _RIGHT - _BRACKET * (len(open_ended) - 1) - 9
    for place, (look, ends) in enumerate(sorted(open_ended, key=lambda item: item[1].never / item[1].n)):
        end = _y(1 - ends.never / ends.n, height)
        inside = end - _y(1.0, height) >= _ROOM * (1 + place)
        words_at = max(end - _WORDS_ABOVE if inside else end + _WORDS_BELOW, words_at + _LINE)
        right = width - _RIGHT - place * _BRACKET
        made.append(
            Missing(
                look=look,
                words=never_words(ends, narrow=width < NARROW_BELOW),
                path=f"M{right - 5:g} {_y(1.0, height):.1f}h5V{end:.1f}h-5",
                words_right=f"{words_right:g}",
                words_at=f"{words_at:.1f}",
            )
        )
    return tuple(made)


def never_words(whole: Ends, *, narrow: bool = False) -> str:
    """``2.6 % with no known end``; empty where all have one. Some of them may have begun before their log."""
    if not whole.never:
        return ""
    return f"{share(whole.never, whole.n)} {'no end' if narrow else 'with no known end'}"


def share(part: int, whole: int) -> str:
    """``13 %``, ``0.4 %``, ``under 0.1 %``; a half is rounded up, as the page's script does."""
    percent = part / max(1, whole) * 100
    if 0 < percent < 0.1:
        return "under 0.1 %"
    return f"{math.floor(percent * 10 + 0.5) / 10:.1f} %" if percent < 10 else f"{math.floor(percent + 0.5)} %"


def _y(part: float, height: float) -> float:
    return _TOP + (1 - part) * (height - _TOP - _BOTTOM)


def _band(look: str, name: str, ends: Ends, scale: Axis, height: int) -> Band:
    """Edges at every other pixel, rounded outwards: the upper one is ahead by a column, the lower one is not."""
    columns = max(1, round((scale.right - scale.left) / _COLUMN))
    xs = [scale.left + n * (scale.right - scale.left) / columns for n in range(columns + 1)]
    moments = np.array([scale.seconds(x) for x in xs])
    upper = np.searchsorted(ends.least, moments[1:], "right") / ends.n
    lower = np.searchsorted(ends.most, moments[:-1], "right") / ends.n
    above = _steps(xs, [_y(float(part), height) for part in upper])
    below = _steps(xs, [_y(float(part), height) for part in lower])
    area = f"M{_path(above)}L{_path(below[::-1])}Z"
    return Band(look, name, area, f"M{_path(above)}", f"M{_path(below)}")


def _steps(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[str, str]]:
    """The corners of a line that is ``ys[n]`` high between ``xs[n]`` and the next."""
    corners: list[tuple[str, str]] = []
    shown = [f"{y:.1f}" for y in ys]
    for n, y in enumerate(shown):
        if n == 0 or y != shown[n - 1]:
            corners += [(f"{xs[n]:.1f}", corners[-1][1] if corners else y), (f"{xs[n]:.1f}", y)]
    return [*corners, (f"{xs[-1]:.1f}", shown[-1])]


def _path(corners: Iterable[tuple[str, str]]) -> str:
    return "L".join(f"{x} {y}" for x, y in dict.fromkeys(corners))


def ticks(scale: Axis) -> list[float]:
    """Round moments, as many as have room for their text."""
    room = 58.0
    if not scale.log:
        step = next((s for s in _STEPS if (scale.right - scale.left) * s / scale.high >= room), scale.high / 2)
        return [n * step for n in range(math.floor(scale.high / step + 1e-9) + 1)]
    kept: list[float] = []
    for at in (at for at in _STEPS if scale.low <= at <= scale.high):
        if not kept or scale.x(at) - scale.x(kept[-1]) >= room:
            kept.append(at)
    return kept or [scale.low, scale.high]


def seconds_text(seconds: float) -> str:
    """A tick: ``0.5 s``, ``20 s``, ``5 min``, ``2 h``, ``3 d``."""
    for unit, length, least in (("d", 86400, 172800), ("h", 3600, 7200), ("min", 60, 120)):
        if seconds >= least:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
