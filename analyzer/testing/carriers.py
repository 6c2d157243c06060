"""Writes a journal in each of its carriers: here what ``journalctl`` prints most, the rest in the modules beside.

Shapes as measured on systemd 252 (``short-iso`` without a colon in the offset) and 257 (with one).
``CARRIERS`` are all that lose nothing but what their format has no room for; ``LOSSY`` cut or leave out lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from analyzer.testing import carriers_containers, carriers_damaged, carriers_modes, carriers_shippers, carriers_syslog
from analyzer.testing.carrier_lines import Renderer, boots, fields_of, lines, own_lines, shown
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import Entry, Outcome, StartTruth

BASIC = (
    "short", "short-precise", "short-iso", "short-iso-precise", "short-full", "short-monotonic", "short-unix",
    "with-unit", "export", "json", "cat",
)  # fmt: skip
_MORE: dict[str, Renderer] = {
    **carriers_modes.RENDERERS,
    **carriers_syslog.RENDERERS,
    **carriers_containers.RENDERERS,
    **carriers_shippers.RENDERERS,
}
LOSSY: tuple[str, ...] = tuple(carriers_damaged.RENDERERS)
CARRIERS: tuple[str, ...] = (*BASIC, *_MORE, *LOSSY)
# These hold the lines of the process alone: nothing that systemd says, and no helper.
OWN_LINES = frozenset({"cat", *carriers_containers.OWN_LINES, *carriers_shippers.OWN_LINES})


def file_name(name: str, carrier: str) -> str:
    """``NAME.export``, ``NAME.json``, ``NAME.short.txt``."""
    return f"{name}.{carrier}" if carrier in ("export", "json") else f"{name}.{carrier}.txt"


def expected_outcome(start: StartTruth, carrier: str) -> Outcome:
    """The outcome that a reader of ``carrier`` can know.

    ``OWN_LINES`` are what a container's log holds. A start that ended without a word of its own (killed, or stopped by
    a release that says nothing) is ``incomplete`` there, and so is one whose readiness was told in a part of the text
    that was cut off.
    """
    outcome: Outcome = start.outcome
    if outcome == "ready" and not start.detection_in_log:
        outcome = "incomplete" if start.end.kind == "running" else start.end.kind
    if carrier in OWN_LINES and outcome in ("failed", "stopped") and not start.end_in_log:
        return "incomplete"
    return outcome


def render(entries: Sequence[Entry], carrier: str, wall: Wall, zone: str) -> bytes:
    """The journal in ``carrier``.

    :raises ValueError: no such carrier.
    """
    if carrier == "export":
        return b"".join(_export(entry) for entry in entries)
    if carrier == "json":
        return b"".join(json.dumps(fields_of(entry)).encode() + b"\n" for entry in entries)
    if carrier == "cat":  # what a container's log holds: the process alone
        return lines([entry.line.text for entry in own_lines(entries)])
    if carrier in _MORE:
        return _MORE[carrier](entries, wall, zone)
    if carrier in carriers_damaged.RENDERERS:
        return carriers_damaged.RENDERERS[carrier](entries, wall, zone)
    if carrier not in CARRIERS:
        raise ValueError(f"no carrier {carrier!r}")
    head = _heads(carrier, wall, zone)
    return lines(
        [
            f"-- Boot {item} --"
            if isinstance(item, str)
            else f"{head(item)} {item.host} {_name(item, carrier)}[{item.line.pid}]: {shown(item.line.text)}"
            for item in boots(entries)
        ]
    )


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


def _export(entry: Entry) -> bytes:
    rows = []
    for key, value in fields_of(entry).items():
        data = value.encode()
        if any(byte < 32 and byte != 9 for byte in data):
            rows.append(key.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            rows.append(key.encode() + b"=" + data + b"\n")
    return b"".join(rows) + b"\n"
