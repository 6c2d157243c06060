"""How long starts took that were watched from outside (``measured.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf

from analyzer.events.vocabulary import load, read_as

READY = "ready"
SHARES = (5, 25, 50, 75, 90, 95, 100)  # of 100 starts
_USUAL = SHARES.index(95)


@dataclass(frozen=True, slots=True)
class Spread:
    """The seconds within which ``SHARES`` of ``starts`` were done."""

    starts: int
    s: tuple[float, ...]

    @property
    def usual_s(self) -> float:
        """Within which nearly all were done."""
        return self.s[_USUAL]

    def below(self, share: int) -> float:
        """Within how many seconds so many of 100 were done; ``share`` is one of ``SHARES``."""
        return self.s[SHARES.index(share)]

    def share_before(self, seconds: float) -> tuple[int, int]:
        """Between how many and how many of 100 starts took less than that."""
        below = max((share for share, most in zip(SHARES, self.s, strict=True) if most < seconds), default=0)
        above = min((share for share, most in zip(SHARES, self.s, strict=True) if most >= seconds), default=100)
        return below, above


@dataclass(frozen=True, slots=True)
class Kind(Spread):
    """Starts with this datastore (empty: any) whose API server took ``[boot_from_s, boot_below_s)`` to serve."""

    words: str
    datastore: str = ""
    boot_from_s: float = 0.0
    boot_below_s: float = inf

    def fits(self, datastore: str, boot_s: float | None) -> bool:
        """Whether a start is of this kind; one whose boot is not known is of those that have no limits."""
        if self.datastore and self.datastore != datastore:
            return False
        if boot_s is None:
            return self.boot_from_s <= 0 and self.boot_below_s == inf
        return self.boot_from_s <= boot_s < self.boot_below_s


@cache
def kinds() -> tuple[Kind, ...]:
    """The kinds of starts that were measured, the narrower ones first."""
    return tuple(read_as(Kind, {**raw, "s": tuple(raw["s"])}) for raw in load("measured.toml").get("kind", ()))


@cache
def spread(name: str) -> Spread | None:
    """Of readiness, or of a check; ``None``: not measured."""
    raw = load("measured.toml").get("spread", {}).get(name)
    return Spread(raw["starts"], tuple(raw["s"])) if raw is not None else None
