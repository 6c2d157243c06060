"""In which order metrics stand, and which one a start is for."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.collection.model import CHECK

_FIRST = ("ready", "started", "node", "node_ready", "images", "server", "detected", "polling_tax")
# Phases in the order of a start; one that may be several stands where the first of these does. ``images``, ``server``,
# ``node``, ``node_ready`` and ``polling_tax`` are goals or metrics of their own as well, of the same name.
PHASES = ("boot", "extract", "server", "datastore", "certificates", "containerd", "images", "apiserver_boot", "hooks",
          "polling_tax", "startup_hooks", "node", "node_ready")  # fmt: skip
_GOALS = {"agent": ("node", "server", "ready"), "server": ("ready",)}
_ANY_GOAL = ("ready", "node", "server")


def goals_of(role: str) -> tuple[str, ...]:
    """Metrics that say how long a start of this role took, the one that is asked for first."""
    return _GOALS.get(role, _ANY_GOAL)


def is_phase(id: str) -> bool:
    """Whether a metric is the length of a phase, and nothing else: no goal of the same name."""
    return id not in _FIRST and id.split("+")[0] in PHASES


def ordered(ids: Iterable[str]) -> list[str]:
    """The main metrics first, then phases in the order of a start, then what else there is, then checks."""
    return sorted(ids, key=_place)


def _place(id: str) -> tuple[int, int, str]:
    if id in _FIRST:
        return 0, _FIRST.index(id), id
    if id.startswith(CHECK):
        return 3, 0, id
    first = id.split("+")[0]
    return (1, PHASES.index(first), id) if first in PHASES else (2, 0, id)
