"""Writes a journal as ``journalctl`` prints it: the short family, with-unit, export, json, cat.

Shapes as measured on systemd 252 (``short-iso`` without a colon in the offset) and 257 (with one).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from analyzer.testing.model import Entry
from analyzer.testing.phrasing import Wall

CARRIERS = (
    "short", "short-precise", "short-iso", "short-iso-precise", "short-full", "short-monotonic", "short-unix",
    "with-unit", "export", "json", "cat",
)  # fmt: skip
MACHINE = "8d1c2b0f4a5e46b3a2f1c0d9e8f7a6b5"


def file_name(name: str, carrier: str) -> str:
    """``NAME.export``, ``NAME.json``, ``NAME.short.txt``."""
    return f"{name}.{carrier}" if carrier in ("export", "json") else f"{name}.{carrier}.txt"


def render(entries: Sequence[Entry], carrier: str, wall: Wall, zone: str) -> bytes:
    """The journal in ``carrier``.

    :raises ValueError: no such carrier.
    """
    if carrier == "export":
        return b"".join(_export(entry) for entry in entries)
    if carrier == "json":
        return b"".join(json.dumps(_fields(entry)).encode() + b"\n" for entry in entries)
    if carrier == "cat":  # what a container's log holds: the process alone
        own = ("k3s", "rke2")
        return b"".join(entry.line.text.encode() + b"\n" for entry in entries if entry.line.ident in own)
    if carrier not in CARRIERS:
        raise ValueError(f"no carrier {carrier!r}")
    head = _heads(carrier, wall, zone)
    rows: list[str] = []
    boot: str | None = None
    several_hosts = len({entry.host for entry in entries}) > 1
    for entry in entries:
        if boot not in (None, entry.boot_id) and not several_hosts:  # journalctl -m prints no such lines
            rows.append(f"-- Boot {entry.boot_id} --")
        boot = entry.boot_id
        rows.append(f"{head(entry)} {entry.host} {_name(entry, carrier)}[{entry.line.pid}]: {_shown(entry.line.text)}")
    return "".join(row + "\n" for row in rows).encode()


def _shown(text: str) -> str:
    """The text modes print a tab as eight spaces."""
    return text.replace("\t", " " * 8)


def _name(entry: Entry, carrier: str) -> str:
    if carrier != "with-unit":
        return entry.line.ident
    return "init.scope" if entry.line.ident == "systemd" else entry.unit


def _heads(carrier: str, wall: Wall, zone: str) -> Callable[[Entry], str]:
    def local(form: str) -> Callable[[Entry], str]:
        return lambda entry: wall.at(entry.realtime_us).strftime(form)

    match carrier:
        case "short":
            return local("%b %d %H:%M:%S")
        case "short-precise":
            return local("%b %d %H:%M:%S.%f")
        case "short-iso":
            return local("%Y-%m-%dT%H:%M:%S" + wall.compact())
        case "short-iso-precise":
            return local("%Y-%m-%dT%H:%M:%S.%f" + wall.colon())
        case "short-monotonic":
            return lambda e: f"[{e.monotonic_us // 1_000_000:>5}.{e.monotonic_us % 1_000_000:06d}]"
        case "short-unix":
            return lambda e: f"{e.realtime_us // 1_000_000:>10}.{e.realtime_us % 1_000_000:06d}"
        case _:  # short-full, with-unit
            return local("%a %Y-%m-%d %H:%M:%S " + zone)


def _fields(entry: Entry) -> dict[str, str]:
    line = entry.line
    out = {
        "__REALTIME_TIMESTAMP": str(entry.realtime_us),
        "__MONOTONIC_TIMESTAMP": str(entry.monotonic_us),
        "_BOOT_ID": entry.boot_id,
        "_TRANSPORT": "journal" if line.ident == "systemd" else "stdout",
        "PRIORITY": str(line.priority),
        "_HOSTNAME": entry.host,
        "_MACHINE_ID": MACHINE,
        "SYSLOG_IDENTIFIER": line.ident,
        "SYSLOG_FACILITY": "3",
        "_PID": str(line.pid),
        "_UID": "0",
        "_GID": "0",
    }
    if line.ident == "systemd":
        out |= {"_COMM": "systemd", "UNIT": entry.unit, "INVOCATION_ID": entry.invocation_id}
    else:
        comm = {"k3s": "k3s-server", "rke2": "rke2"}.get(line.ident, line.ident)
        out |= {
            "_COMM": comm,
            "_SYSTEMD_CGROUP": f"/system.slice/{entry.unit}",
            "_SYSTEMD_UNIT": entry.unit,
            "_SYSTEMD_SLICE": "system.slice",
            "_SYSTEMD_INVOCATION_ID": entry.invocation_id,
        }
    return out | dict(line.fields) | {"MESSAGE": line.text}


def _export(entry: Entry) -> bytes:
    rows = []
    for key, value in _fields(entry).items():
        data = value.encode()
        if any(byte < 32 and byte != 9 for byte in data):
            rows.append(key.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            rows.append(key.encode() + b"=" + data + b"\n")
    return b"".join(rows) + b"\n"
