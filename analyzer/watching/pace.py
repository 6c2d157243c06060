"""When the text is analysed anew: at once where a line may decide something, and never at much cost to the server."""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.01  # of a core, for analyses on the average
SAVED_S = 1.0  # of such time that is saved up, to be spent while much happens
APART_S = 0.1  # from the end of one analysis to the next one at least
NOISE_APART_S = 2.0  # … to one for lines that decide nothing, while at least so much is saved:
NOISE_SAVED_S = 0.5
NOISE_SHARE = 0.005  # … else in this share


@dataclass(slots=True)
class Pace:
    """Told of lines and of analyses, it says when the next one is due; all moments are seconds of one clock."""

    urgent: bool = False
    waiting: bool = False  # there are lines that were not looked at
    _saved: float = SAVED_S
    _at: float | None = None  # when ``_saved`` was so much
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
        saved = self._saved_by(now)
        if self.urgent:
            return max(0.0, self._ended + APART_S - now, -saved / SHARE)
        soon = saved - self._cost >= NOISE_SAVED_S
        apart = NOISE_APART_S if soon else max(NOISE_APART_S, self._cost / NOISE_SHARE)
        return max(0.0, self._ended + apart - now)

    def analysed(self, ended: float, cost: float) -> None:
        """An analysis was made that took so many seconds of a core."""
        self._saved = self._saved_by(ended) - cost
        self._at = self._ended = ended
        self._cost = cost
        self.urgent = self.waiting = False

    def _saved_by(self, now: float) -> float:
        return min(SAVED_S, self._saved + (now - self._at) * SHARE) if self._at is not None else self._saved
