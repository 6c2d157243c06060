"""What all carriers share: the fields of an entry, the lines of the process alone, the marks between boots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import Entry

# (entries, the machine's local time, the letters of its zone) → the file
Renderer = Callable[[Sequence[Entry], Wall, str], bytes]
MACHINE = "8d1c2b0f4a5e46b3a2f1c0d9e8f7a6b5"
OWN = ("k3s", "rke2")


def own_lines(entries: Sequence[Entry]) -> list[Entry]:
    """What the process itself wrote: all that a container's log holds."""
    return [entry for entry in entries if entry.line.ident in OWN]


def shown(text: str) -> str:
    """The text modes print a tab as eight spaces."""
    return text.replace("\t", " " * 8)


def tail(entry: Entry) -> str:
    """``HOST IDENT[PID]: MESSAGE`` as the short family ends."""
    return f"{entry.host} {entry.line.ident}[{entry.line.pid}]: {shown(entry.line.text)}"


def boots(entries: Sequence[Entry]) -> Iterator[str | Entry]:
    """Entries with the id of the boot before the first entry of each further one; journalctl -m prints none."""
    boot: str | None = None
    several_hosts = len({entry.host for entry in entries}) > 1
    for entry in entries:
        if boot not in (None, entry.boot_id) and not several_hosts:
            yield entry.boot_id
        boot = entry.boot_id
        yield entry


def lines(rows: Sequence[str], end: str = "\n") -> bytes:
    """Rows to bytes, each with its end."""
    return "".join(row + end for row in rows).encode()


def fields_of(entry: Entry) -> dict[str, str]:
    """The journal's fields of an entry."""
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
