"""Carriers that lose lines or parts of them, as people copy logs: no report may claim more than is left."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.testing.carrier_lines import Renderer, boots, fields_of, lines, tail
from analyzer.testing.carriers_modes import short_rows
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import Entry

_WIDTH = 140
_NARROW = 80


def _pager(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Copied out of the pager: cut at the right edge, with its mark in the last column."""
    rows = []
    for number, row in enumerate(short_rows(entries, wall), 1):
        rows.append(row if len(row) <= _WIDTH else row[: _WIDTH - 1] + ">")
        if number % 50 == 0:
            rows.append(f"lines {number - 49}-{number}")
    return lines(rows)


def _edge(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Cut at the right edge without a mark."""
    return lines([row[:_WIDTH] for row in short_rows(entries, wall)])


def _narrow(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Cut at 80 columns: of a line of k3s its stamp and level are left, hardly its words."""
    return lines([row if len(row) <= _NARROW else row[: _NARROW - 1] + ">" for row in short_rows(entries, wall)])


def _ellipsis(row: str, head: int, width: int = 200) -> str:
    """As systemd shortens: in the middle below 300 bytes of message, else at the end."""
    if len(row) <= width:
        return row
    if len(row) - head >= 300:
        return row[: width - 1] + "…"
    at = width * 9 // 10
    return row[: at - 1] + "…" + row[at - width :]


def _no_full(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``--no-full``."""
    rows = []
    for item in boots(entries):
        if isinstance(item, str):
            rows.append(f"-- Boot {item} --")
            continue
        row = f"{wall.at(item.realtime_us):%b %d %H:%M:%S} {tail(item)}"
        rows.append(_ellipsis(row, len(row) - len(item.line.text)))
    return lines(rows)


def _status(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``systemctl status``: a head and the last ten lines, shortened."""
    last = entries[-1]
    at = wall.at(last.realtime_us)
    rows = [
        f"● {last.unit} - Lightweight Kubernetes",
        f"     Loaded: loaded (/etc/systemd/system/{last.unit}; enabled; preset: enabled)",
        f"     Active: activating (start) since {at:%a %Y-%m-%d %H:%M:%S} {zone}; 1min 53s ago",
        f"   Main PID: {last.line.pid} (k3s-server)",
        f"     CGroup: /system.slice/{last.unit}",
        f"             └─{last.line.pid} /usr/local/bin/k3s server",
        "",
    ]
    for entry in [e for e in entries if e.unit == last.unit and e.host == last.host][-10:]:
        row = f"{wall.at(entry.realtime_us):%b %d %H:%M:%S} {tail(entry)}"
        rows.append(_ellipsis(row, len(row) - len(entry.line.text)))
    return lines([*rows, "Hint: Some lines were ellipsized, use -l to show in full."])


def _grep(words: str, separator: bool = False) -> Renderer:
    """``journalctl | grep``: only the lines with certain words, with or without the marks of ``-C``."""
    found = re.compile(words)

    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = short_rows(entries, wall)
        kept = {i for i, row in enumerate(rows) if found.search(row)}
        if separator:
            kept = {i + d for i in kept for d in (-1, 0, 1) if 0 <= i + d < len(rows)}
        out: list[str] = []
        before = None
        for index in sorted(kept):
            if separator and before is not None and index > before + 1:
                out.append("--")
            out.append(rows[index])
            before = index
        return lines(out)

    return render


def _suppressed(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """journald's rate limit: every third block of 40 lines is gone, and a line of journald says so."""
    rows: list[str] = []
    dropped = 0
    for number, entry in enumerate(entries):
        own = entry.line.ident in ("k3s", "rke2")
        if own and number // 40 % 3 == 2:
            dropped += 1
            continue
        stamp = f"{wall.at(entry.realtime_us):%b %d %H:%M:%S}"
        if own and dropped:
            rows.append(f"{stamp} {entry.host} systemd-journald[321]: Suppressed {dropped} messages from {entry.unit}")
            dropped = 0
        rows.append(f"{stamp} {tail(entry)}")
    return lines(rows)


def _null(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``-o json`` without ``--all``: long messages are null (here from 300 bytes on, so that poll lines are too)."""
    import json

    rows = []
    for entry in entries:
        row: dict[str, object] = dict(fields_of(entry))
        if len(entry.line.text) > 300:
            row["MESSAGE"] = None
        rows.append(json.dumps(row))
    return lines(rows)


RENDERERS: dict[str, Renderer] = {
    "pager": _pager,
    "pager-narrow": _narrow,
    "edge": _edge,
    "no-full": _no_full,
    "status": _status,
    "grep-k3s": _grep(r"systemd|readyz|Starting k3s|Starting rke2|running|level=fatal"),
    "grep-polls": _grep(r"systemd|Polling for API server|is now running"),
    "grep-lists": _grep(r"systemd|\[-\]poststarthook/rbac|is now running"),
    "grep-errors": _grep(r" E\d{4} |level=(?:error|fatal|warning)|GET /readyz failed: an error"),
    "grep-context": _grep(r"Polling for API server|up and running", separator=True),
    "suppressed": _suppressed,
    "json-null": _null,
}
