"""Several units of k3s on one machine (k3s and k3s-agent, k3s-main and k3s-dev): whose a line is where it says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.identity import CHILD, DESCRIBED, FAMILY, OPENRC

_USUAL = frozenset({"k3s", "k3s-server", "k3s-agent", "rke2", "rke2-server", "rke2-agent"})


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


def others_units(records: Iterable[LogRecord]) -> frozenset[tuple[str | None, str]]:
    """(host, unit) of units that have k3s in their name and are none of it: a backup, an upgrade, ``k3s-killall``.

    One whose lines stand in the text, or that systemd calls by the product's name, is k3s, whatever its name; so is the
    only one of a host.
    """
    told: dict[str | None, set[str]] = defaultdict(set)
    ours: dict[str | None, set[str]] = defaultdict(set)
    for record in records:
        name = (record.unit or "").removesuffix(".service")
        if FAMILY.match(name) is None:
            continue
        told[record.host].add(record.unit or "")
        if record.payload is not Payload.SYSTEMD or name in _USUAL or DESCRIBED.search(record.message) is not None:
            ours[record.host].add(record.unit or "")
    return frozenset((host, unit) for host, units in told.items() if ours[host] for unit in units - ours[host])


def bare_service(records: Iterable[LogRecord]) -> tuple[str | None, str] | None:
    """The stream of a service's own file under OpenRC, which holds its lines without any name, beside a syslog.

    ``None`` where the text has no such lines, or where it names the service's lines, or several machines' supervisors.
    """
    ours = [r for r in records if not r.foreign and r.payload not in (Payload.SYSTEMD, Payload.KERNEL)]
    supervisors = {r.host for r in ours if r.ident == OPENRC and CHILD.search(r.message)}
    if len(supervisors) != 1 or any(r.ident is not None and FAMILY.match(r.ident) for r in ours):
        return None
    hosts = {r.host for r in ours if r.ident is None}
    return (hosts.pop(), "") if len(hosts) == 1 else None
