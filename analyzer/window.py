"""Half-open windows ``(lower, upper]``: what can be known of a moment that nobody saw.

Nothing that was only observed is a point. An open end is ``None``. Each end says what kind of evidence it rests
on and which line that is, so that every number in a report can be traced to the text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

# An index into the sources of a report: what is declared so is moved where reports are merged.
SourceIndex: TypeAlias = int


class Bound(StrEnum):
    """What an end of a window rests on."""

    OBSERVED = "observed"  # a line says so
    GRID = "grid"  # an unprinted poll says so
    WITNESS = "witness"  # another component's line proves it by the order of statements in its source
    PROCESS = "process"  # the process's first or last line bounds it
    NONE = "none"  # open


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proven bound: a moment, why it is proven, and the line that proves it.

    ``at_s`` is in seconds since the start's ``began_at``; ``line`` is 1-based in ``sources[source]``.
    """

    at_s: float
    kind: Bound
    line: int | None = None
    source: SourceIndex = 0
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``(lower, upper]`` in seconds since ``began_at``; ``None`` is an open end.

    Lines are 1-based in ``sources[source]``; ``upper_source`` is set only where the upper end's line is in another
    source than the lower end's (a log that was rotated in the middle of a start).
    """

    lower: float | None = None
    upper: float | None = None
    lower_kind: Bound = Bound.NONE
    upper_kind: Bound = Bound.NONE
    lower_line: int | None = None
    upper_line: int | None = None
    lower_witness: str | None = None
    upper_witness: str | None = None
    source: SourceIndex = 0
    upper_source: SourceIndex | None = None

    @property
    def lower_ref(self) -> tuple[int, int] | None:
        """``(source, line)`` behind the lower end."""
        return None if self.lower_line is None else (self.source, self.lower_line)

    @property
    def upper_ref(self) -> tuple[int, int] | None:
        """``(source, line)`` behind the upper end."""
        source = self.source if self.upper_source is None else self.upper_source
        return None if self.upper_line is None else (source, self.upper_line)

    @property
    def refs(self) -> tuple[tuple[int, int], ...]:
        """The lines behind both ends, each once."""
        return tuple(dict.fromkeys(ref for ref in (self.lower_ref, self.upper_ref) if ref is not None))

    @property
    def lower_evidence(self) -> Evidence | None:
        """What the lower end rests on."""
        if self.lower is None:
            return None
        return Evidence(self.lower, self.lower_kind, self.lower_line, self.source, self.lower_witness)

    @property
    def upper_evidence(self) -> Evidence | None:
        """What the upper end rests on."""
        if self.upper is None:
            return None
        source = self.source if self.upper_source is None else self.upper_source
        return Evidence(self.upper, self.upper_kind, self.upper_line, source, self.upper_witness)

    @property
    def width(self) -> float | None:
        """Length in seconds; ``None`` when an end is open."""
        return None if self.lower is None or self.upper is None else self.upper - self.lower

    def contains(self, moment: float, slack: float = 0.0) -> bool:
        """Whether ``moment`` can be the true one (``slack`` in seconds on both ends)."""
        low = self.lower is None or moment > self.lower - slack or (slack == 0 and moment == self.lower)
        high = self.upper is None or moment <= self.upper + slack
        return low and high

    def certainly_before(self, other: Window) -> bool:
        """True when every moment of this window lies before every moment of ``other``."""
        return self.upper is not None and other.lower is not None and self.upper <= other.lower

    def shifted(self, by_s: float) -> Window:
        """The same window ``by_s`` seconds later."""
        return replace(
            self,
            lower=None if self.lower is None else self.lower + by_s,
            upper=None if self.upper is None else self.upper + by_s,
        )

    def after(self, bound: Evidence) -> Window:
        """This window cut from below by ``bound``, when that is tighter."""
        return self.from_below(bound) if self.lower is None or self.lower < bound.at_s else self

    def before(self, bound: Evidence) -> Window:
        """This window cut from above by ``bound``, when that is tighter."""
        if self.upper is not None and self.upper <= bound.at_s:
            return self
        moved = replace(
            self, upper=bound.at_s, upper_kind=bound.kind, upper_line=bound.line, upper_witness=bound.witness
        )
        return moved._sourced(self.lower_ref, None if bound.line is None else bound.source)

    def from_below(self, bound: Evidence) -> Window:
        """This window with ``bound`` as its lower end, tighter or not."""
        upper = self.upper_ref
        moved = replace(
            self, lower=bound.at_s, lower_kind=bound.kind, lower_line=bound.line, lower_witness=bound.witness
        )
        below = None if bound.line is None else (bound.source, bound.line)
        return moved._sourced(below, None if upper is None else upper[0])

    def _sourced(self, lower: tuple[int, int] | None, upper: int | None) -> Window:
        """This window with the sources of its two lines."""
        if lower is None:
            return replace(self, source=self.source if upper is None else upper, upper_source=None)
        return replace(self, source=lower[0], upper_source=None if upper in (None, lower[0]) else upper)

    def unbounded(self) -> Window:
        """This window with an open upper end: the moment was not seen to have come."""
        return replace(self, upper=None, upper_kind=Bound.NONE, upper_line=None, upper_witness=None, upper_source=None)

    @property
    def contradicts_itself(self) -> bool:
        """True when the lower end lies above the upper one: two proofs that cannot both hold."""
        return self.lower is not None and self.upper is not None and self.lower > self.upper


OPEN = Window()


@dataclass(frozen=True, slots=True)
class Span:
    """A length in seconds, known within ``[min, max]``; ``max`` is ``None`` when there is no upper limit."""

    min: float
    max: float | None = field(default=None)

    @property
    def middle(self) -> float:
        """Half way between both ends; of one without an upper limit its least. For drawing and ordering."""
        return self.min if self.max is None else (self.min + self.max) / 2


def down(value: float, places: int = 1) -> str:
    """``value`` rounded down to ``places`` decimals, as text; float noise costs no digit."""
    return f"{math.floor(value * 10**places + 1e-7) / 10**places + 0.0:.{places}f}"


def up(value: float, places: int = 1) -> str:
    """``value`` rounded up to ``places`` decimals, as text; float noise costs no digit."""
    return f"{math.ceil(value * 10**places - 1e-7) / 10**places + 0.0:.{places}f}"


def at_least(length_s: float) -> str:
    """A lower bound in words, rounded down to tenths (``2.6 s`` for 2.69)."""
    return f"{down(length_s)} s"


def at_most(length_s: float) -> str:
    """An upper bound in words, rounded up to tenths (``2.7 s`` for 2.61)."""
    return f"{up(length_s)} s"
