"""Several units of k3s on one machine (k3s and k3s-agent, k3s-main and k3s-dev): whose a line is where it says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.identity import FAMILY


def units_apart(records: Iterable[LogRecord]) -> frozenset[tuple[str | None, str]]:
    """(host, unit) of processes on hosts where more than one unit of a product ran; their lines stay apart.

    Where the carrier does not name the units of processes nobody can tell their lines from one another.
    """
    seen: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for record in records:
        unit = record.unit or ""
        match = FAMILY.match(unit.removesuffix(".service")) if record.payload is not Payload.SYSTEMD else None
        if match is not None:
            seen[(record.host, match[1])].add(unit)
    return frozenset((host, unit) for (host, _), units in seen.items() if len(units) > 1 for unit in units)
