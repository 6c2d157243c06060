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
_Loser = tuple[str | None, str | int | None]  # host and name
_TELLERS = frozenset({"systemd-journald", "systemd-journal", "journal", "rsyslogd", "rsyslogd-2177", "journald"})


def spread_losses(drafts: Sequence[Draft]) -> None:
    """Mark the line after each hole (``lost_before``, ``gap_before``); drafts stand in true order."""
    losers: set[_Loser] = set()
    for draft in drafts:
        if draft.ident in _TELLERS:
            losers.update((draft.host, name) for name in _names(draft.message))
        elif losers:
            loser = _loser(losers, draft)
            if loser is not None:
                losers.discard(loser)
                draft.gap_before = draft.lost_before = True


def _names(text: str) -> list[str | int]:
    """Who lost lines, as a notice says: a unit, a process or everybody (empty)."""
    if (unit := _SUPPRESSED.search(text)) is not None:
        return [unit[1].removesuffix(".service")]
    if (process := _OF_PROCESS.search(text)) is not None:
        return [int(process[1])]
    return [""] if _OF_ALL.search(text) is not None else []


def _loser(losers: set[_Loser], draft: Draft) -> _Loser | None:
    """Whose loss stands before a line; text names the program of a unit only (``k3s`` for ``k3s-agent``)."""
    host, ident = draft.host, draft.ident
    candidates: list[_Loser] = []
    if ident != "systemd":
        candidates = [(host, (draft.unit or ident or "").removesuffix(".service") or None)]
        candidates += [
            found for found in losers if ident and str(found[1]).startswith(ident + "-") and found[0] == host
        ]
    candidates += [(host, draft.pid), (host, "" if ident in ("k3s", "rke2") else None)]
    return next((one for one in candidates if one in losers), None)
