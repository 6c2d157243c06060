"""Files that a syslog daemon writes, and its messages on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.testing.carrier_lines import Renderer, lines
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import Entry


def _octal(text: str) -> str:
    """Control characters as rsyslog writes them."""
    return "".join(f"#{ord(c):03o}" if ord(c) < 32 else c for c in text)


def _rows(form: Callable[[Entry, Wall], str]) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        return lines([form(entry, wall) for entry in entries])

    return render


def _day(entry: Entry, wall: Wall) -> str:
    at = wall.at(entry.realtime_us)
    return f"{at:%b} {at.day:>2} {at:%H:%M:%S}"


def _iso(entry: Entry, wall: Wall) -> str:
    return wall.at(entry.realtime_us).strftime("%Y-%m-%dT%H:%M:%S.%f") + wall.colon()


def _tag(entry: Entry) -> str:
    return f"{entry.line.ident}[{entry.line.pid}]: {_octal(entry.line.text)}"


def _repeated(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """rsyslog with reduction of repeats: what was said twice in a row is counted."""
    rows: list[str] = []
    at = 0
    while at < len(entries):
        entry = entries[at]
        rows.append(f"{_day(entry, wall)} {entry.host} {_tag(entry)}")
        stop = at + 1
        while stop < len(entries) and (entries[stop].line.text, entries[stop].line.pid, entries[stop].host) == (
            entry.line.text, entry.line.pid, entry.host
        ):  # fmt: skip
            stop += 1
        if stop - at > 1:
            last = entries[stop - 1]
            rows.append(
                f"{_day(last, wall)} {last.host} {last.line.ident}[{last.line.pid}]: "
                f"message repeated {stop - at - 1} times: [ {_octal(last.line.text)}]"
            )
        at = stop
    return lines(rows)


RENDERERS: dict[str, Renderer] = {
    "rsyslog": _rows(lambda e, w: f"{_day(e, w)} {e.host} {_tag(e)}"),
    "rsyslog-iso": _rows(lambda e, w: f"{_iso(e, w)} {e.host} {_tag(e)}"),
    "rsyslog-repeats": _repeated,
    "rfc5424": _rows(lambda e, w: f"<30>1 {_iso(e, w)} {e.host} {e.line.ident} {e.line.pid} - - {_octal(e.line.text)}"),
    "rfc3164": _rows(lambda e, w: f"<30>{_day(e, w)} {e.host} {_tag(e)}"),
    "busybox": _rows(lambda e, w: f"{_day(e, w)} {e.host} daemon.info {_tag(e)}"),
}
