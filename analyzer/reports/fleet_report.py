"""What the outputs of ``fleet`` are made of: the summary, and the starts behind it."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.collection.model import Collection, Fleet


@dataclass(frozen=True, slots=True)
class FleetReport:
    """A summary with its collection: ``Group.members`` are places in ``collection.starts``."""

    fleet: Fleet
    collection: Collection
