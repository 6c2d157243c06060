"""Containers, Kubernetes and CI: prefixes around the lines of the process, and what people cut off them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from analyzer.testing.carrier_lines import Renderer, lines, own_lines, shown, tail
from analyzer.testing.carriers_modes import short_rows
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import SECOND, Entry

_UTC = Wall()
_PIECE = 16 * 1024  # at which docker and containerd cut a line
_LOGRUS = re.compile(r'time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S*)(.*)', re.DOTALL)
_COLOURS = {"info": 36, "warning": 33, "error": 31, "fatal": 31, "panic": 31, "debug": 37}


def _nano(wall: Wall, us: int) -> str:
    """RFC 3339 with nine digits."""
    end = "Z" if wall.offset_min == 0 else wall.colon()
    return f"{wall.at(us):%Y-%m-%dT%H:%M:%S.%f}{us % 997:03d}{end}"


def _pieces(text: str) -> list[str]:
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)] or [""]


def _docker_json(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = []
    for entry in own_lines(entries):
        stamp = re.sub(r"\.?0*Z$", "Z", _nano(_UTC, entry.realtime_us))
        pieces = _pieces(entry.line.text)
        for number, piece in enumerate(pieces, 1):
            end = "\n" if number == len(pieces) else ""
            rows.append(json.dumps({"log": piece + end, "stream": "stderr", "time": stamp}, separators=(",", ":")))
    return lines(rows)


def _docker_t(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    return lines([f"{_nano(_UTC, e.realtime_us)} {e.line.text}" for e in own_lines(entries)])


def _cri(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = []
    for entry in own_lines(entries):
        pieces = _pieces(entry.line.text)
        for number, piece in enumerate(pieces, 1):
            flag = "F" if number == len(pieces) else "P"
            rows.append(f"{_nano(wall, entry.realtime_us)} stderr {flag} {piece}")
    return lines(rows)


def _kubectl(prefix: bool) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        return lines(
            [
                (f"[pod/{e.host}/server] " if prefix else "") + f"{_nano(_UTC, e.realtime_us)} {e.line.text}"
                for e in own_lines(entries)
            ]
        )

    return render


def _compose(stamps: bool) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        width = max(len(entry.host) for entry in entries) + 2
        return lines(
            [
                f"{e.host + '-1':<{width}} | " + (f"{_nano(_UTC, e.realtime_us)} " if stamps else "") + e.line.text
                for e in own_lines(entries)
            ]
        )

    return render


def _unquoted(text: str) -> str:
    if text[:1] != '"':
        return text
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), text[1:-1])


def _console(text: str, stamp: str) -> str:
    """A logrus line as it looks on a terminal."""
    match = _LOGRUS.match(text)
    if match is None:
        return text
    level, message, rest = match.groups()
    name = level.upper()[:4]
    return f"\x1b[{_COLOURS.get(level, 37)}m{name}\x1b[0m[{stamp}] {_unquoted(message):<44} {rest}"


def _docker_tty(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Colours, carriage returns, and seconds since the process began instead of a date."""
    begun: dict[str, int] = {}
    rows = []
    for entry in own_lines(entries):
        zero = begun.setdefault(entry.invocation_id, entry.line.at_us - 20_000)
        rows.append(_console(entry.line.text, f"{(entry.line.at_us - zero) // SECOND:04d}"))
    return lines(rows, "\r\n")


def _console_dates(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """The terminal form of old releases: the date in the brackets."""
    return lines([_console(e.line.text, _nano(wall, e.line.at_us)) for e in own_lines(entries)])


def _printed(rows: Sequence[str], at_us: int) -> list[str]:
    """The moment of printing before each row, seven digits, long after what the row tells."""
    out = []
    for number, row in enumerate(rows):
        us = at_us + number * 11
        out.append(f"{_UTC.at(us):%Y-%m-%dT%H:%M:%S.%f}{number % 10}Z {row}")
    return out


def _over(entries: Sequence[Entry]) -> int:
    return entries[-1].realtime_us + 37 * SECOND


def _github(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """A step's log: the short mode, printed when the job was over."""
    rows = ["##[group]Run sudo journalctl -u k3s --no-pager", "shell: /usr/bin/bash -e {0}", "##[endgroup]"]
    rows += [*short_rows(entries, wall), "##[error]Process completed with exit code 1."]
    return b"\xef\xbb\xbf" + lines(_printed(rows, _over(entries)))


def _gh_view(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``gh run view --log`` of a step that printed the file of a container."""
    rows = _printed(["##[group]Run cat k3s.log", *(e.line.text for e in own_lines(entries))], _over(entries))
    rows[0] = "\ufeff" + rows[0]
    return lines([f"e2e (sqlite)\tDump k3s log\t{row}" for row in rows])


def _gitlab(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """A job that printed ``docker logs -t``."""
    rows = ['section_start:1740809010:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting "step_script"\x1b[0;m']
    at = _over(entries)
    for number, entry in enumerate(own_lines(entries)):
        stream = "01E" if number % 3 else "01O"
        rows.append(
            f"{_UTC.at(at + number):%Y-%m-%dT%H:%M:%S.%f}Z {stream} {_nano(_UTC, entry.realtime_us)} {entry.line.text}"
        )
    return lines(rows)


def _nested(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Four layers: gh run view, a compose prefix, kubectl's stamps, the short mode of a node inside."""
    rows = []
    for row in short_rows(entries, wall):
        rows.append(f"node-1  | 2030-01-01T00:00:00.000000000Z {row}")
    return lines([f"job\tstep\t{row}" for row in _printed(rows, _over(entries))])


def _rancher(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Rancher's container: its own lines between those of the k3s in it."""
    rows = []
    for number, entry in enumerate(own_lines(entries)):
        if number % 25 == 7:
            at = wall.at(entry.line.at_us)
            rows.append(f"{at:%Y/%m/%d %H:%M:%S} [INFO] Applying CRD things.example.cattle.io")
        if number % 40 == 11:
            at = wall.at(entry.line.at_us)
            rows.append(f"{at:%Y-%m-%d %H:%M:%S.%f} I | mvcc: store.index: compact 1234")
        rows.append(entry.line.text)
    return lines(rows)


def _without(what: str) -> Renderer:
    """What people leave of the short mode when they paste."""

    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for entry in entries:
            time = f" {wall.at(entry.realtime_us):%H:%M:%S} " if what == "date" else ""
            text = tail(entry)
            rows.append(time + (text.partition(" ")[2] if what == "date and host" else text))
        return lines(rows)

    return render


def _quoted(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Quoted in a mail or an issue, a blank line after each."""
    return lines([f"> {row}\n" for row in short_rows(entries, wall)])


def _remote(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """terraform's prefix."""
    own = own_lines(entries)
    return lines([f"module.lab.null_resource.cp (remote-exec): {shown(e.line.text)}" for e in own])


RENDERERS: dict[str, Renderer] = {
    "docker-json": _docker_json,
    "docker-t": _docker_t,
    "docker-tty": _docker_tty,
    "console-dates": _console_dates,
    "cri": _cri,
    "kubectl-timestamps": _kubectl(False),
    "kubectl-prefix": _kubectl(True),
    "compose": _compose(False),
    "compose-t": _compose(True),
    "rancher": _rancher,
    "terraform": _remote,
    "gh-run-view": _gh_view,
    "gitlab": _gitlab,
    "github-actions": _github,
    "nested": _nested,
    "no-date": _without("date"),
    "no-stamp": _without("stamp"),
    "no-stamp-no-host": _without("date and host"),
    "quoted": _quoted,
}
OWN_LINES = frozenset(RENDERERS) - {"github-actions", "nested", "no-date", "no-stamp", "no-stamp-no-host", "quoted"}
