"""When the text is analysed anew: at once where a line may decide something, and never at much cost to the server."""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.012  # of a core, for analyses on the average
SAVED_S = 1.0  # of such time that is saved up, to be spent while much happens
APART_S = 0.1  # from the end of one analysis to the next one at least
NOISE_APART_S = 1.0  # … to one for lines that decide nothing
NOISE_SHARE = 0.006


@dataclass(slots=True)
class Pace:
    """Told of lines and of analyses, it says when the next one is due; all moments are seconds of one clock."""

    urgent: bool = False
    waiting: bool = False  # there are lines that were not looked at
    _saved: float = SAVED_S
    _at: float = 0.0  # when ``_saved`` was so much
    _ended: float = float("-inf")
    _cost: float = 0.0

    def lines(self, *, urgent: bool) -> None:
        """Lines came."""
        self.waiting = True
        self.urgent = self.urgent or urgent

    def due(self, now: float) -> float | None:
        """Seconds until the next analysis, 0 for now; ``None``: there is nothing to look at."""
        if not self.waiting:
            return None
        if self.urgent:
            saved = self._saved + (now - self._at) * SHARE
            debt = max(0.0, -saved) / SHARE
            return max(0.0, self._ended + APART_S - now, debt)
        return max(0.0, self._ended + max(NOISE_APART_S, self._cost / NOISE_SHARE) - now)

    def analysed(self, began: float, ended: float) -> None:
        """An analysis was made."""
        self._saved = min(SAVED_S, self._saved + (ended - self._at) * SHARE) - (ended - began)
        self._at = self._ended = ended
        self._cost = ended - began
        self.urgent = self.waiting = False
