"""Notices that lines were lost, laid where the hole is: before the next line of the unit that lost them.

Wordings: journald (``Suppressed N messages from UNIT``, old releases name the unit's control group), rsyslog's
``imjournal`` and ``imuxsock``, the forwarder's ``missed N messages`` (only the syslog file lacks them), the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.records.draft import Draft

_SUPPRESSED = re.compile(r"Suppressed \d+ messages? from (?:/\S*/)?([\w@:.\\-]+)")
_OF_PROCESS = re.compile(r"imuxsock(?:\[pid \d+\])?:? (?:lost|begin to drop|dropped) .*?\bpid (\d+)")
_OF_ALL = re.compile(r"(?:imjournal: |Forwarding to syslog missed )\d+ messages")
_TELLERS = frozenset({"systemd-journald", "systemd-journal", "journal", "rsyslogd", "rsyslogd-2177", "journald"})


def spread_losses(drafts: Sequence[Draft]) -> None:
    """Mark the line after each hole (``lost_before``, ``gap_before``); drafts stand in true order."""
    units: set[tuple[str | None, str]] = set()
    pids: set[tuple[str | None, int]] = set()
    hosts: set[str | None] = set()
    for draft in drafts:
        if draft.ident in _TELLERS:
            text = draft.message
            if (hit := _SUPPRESSED.search(text)) is not None:
                units.add((draft.host, hit[1].removesuffix(".service")))
            elif (hit := _OF_PROCESS.search(text)) is not None:
                pids.add((draft.host, int(hit[1])))
            elif _OF_ALL.search(text) is not None:
                hosts.add(draft.host)
            continue
        if not (units or pids or hosts):
            continue
        name = (draft.unit or draft.ident or "").removesuffix(".service")
        hit_unit = _unit_of(units, draft.host, name, draft.ident)
        if hit_unit is not None:
            units.discard(hit_unit)
        elif draft.pid is not None and (draft.host, draft.pid) in pids:
            pids.discard((draft.host, draft.pid))
        elif draft.host in hosts and draft.ident in ("k3s", "rke2"):
            hosts.discard(draft.host)
        else:
            continue
        draft.gap_before = draft.lost_before = True


def _unit_of(
    units: set[tuple[str | None, str]], host: str | None, name: str, ident: str | None
) -> tuple[str | None, str] | None:
    """Which of the units that lost lines a record is of; text names the program only (``k3s`` for ``k3s-agent``)."""
    if ident == "systemd" or not name:
        return None
    if (host, name) in units:
        return host, name
    return next((unit for unit in units if unit[0] == host and ident and unit[1].startswith(ident + "-")), None)
