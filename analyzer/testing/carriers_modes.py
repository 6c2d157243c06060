"""journalctl's rarer modes, other languages, and a terminal's recording of the short mode."""

from __future__ import annotations

import json
from collections.abc import Sequence

from analyzer.testing.carrier_lines import Renderer, boots, fields_of, lines, tail
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import SECOND, Entry

# Abbreviated months as glibc prints them, January first; some with a space, a full stop, or before them a blank.
_MONTHS: dict[str, list[str]] = {
    language: months.split("|")
    for language, months in {
        "de": "Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez",
        "fr": "janv.|févr.|mars|avril|mai|juin|juil.|août|sept.|oct.|nov.|déc.",
        "ja": " 1月| 2月| 3月| 4月| 5月| 6月| 7月| 8月| 9月|10月|11月|12月",
        "zh": "1月|2月|3月|4月|5月|6月|7月|8月|9月|10月|11月|12月",
        "vi": "Thg 1|Thg 2|Thg 3|Thg 4|Thg 5|Thg 6|Thg 7|Thg 8|Thg 9|Thg 10|Thg 11|Thg 12",
        "ca": "de gen|de febr|de març|d’abr|de maig|de juny|de jul|d’ag|de set|d’oct|de nov|de des",
        "hr": "sij|velj|ožu|tra|svi|lip|srp|kol|ruj|lis|stu|pro",
        "cs": "led|úno|bře|dub|kvě|čen|čec|srp|zář|říj|lis|pro",
        "pt": "jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez",
    }.items()
}
_SID = "86f85cf8ef8748afb6bf911f034c628a"


def _cursor(entry: Entry, number: int) -> str:
    return (
        f"s={_SID};i={number:x};b={entry.boot_id};m={entry.monotonic_us:x};t={entry.realtime_us:x};"
        f"x={(number * 0x9E3779B97F4A7C15) & (1 << 64) - 1:x}"
    )


def _delta(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """short-delta: the distance to the line before, by realtime and with a star across a boot."""
    rows: list[str] = []
    before: Entry | None = None
    for item in boots(entries):
        if isinstance(item, str):
            rows.append(f"-- Boot {item} --")
            continue
        at = f"{item.monotonic_us // SECOND:>5}.{item.monotonic_us % SECOND:06d}"
        if before is None:
            gap = " " * 16
        else:
            same = before.boot_id == item.boot_id
            by = item.monotonic_us - before.monotonic_us if same else item.realtime_us - before.realtime_us
            gap = f" <{by // SECOND:>5}.{by % SECOND:06d}{' ' if same else '*'}>"
        rows.append(f"[{at}{gap}] {tail(item)}")
        before = item
    return lines(rows)


def _verbose(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows: list[str] = []
    number = 0
    for item in boots(entries):
        if isinstance(item, str):
            rows.append(f"-- Boot {item} --")
            continue
        number += 1
        at = wall.at(item.realtime_us)
        rows.append(f"{at:%a %Y-%m-%d %H:%M:%S.%f} {zone} [{_cursor(item, number)}]")
        named = fields_of(item)
        rows += [f"    {k}={v.replace(chr(10), chr(10) + ' ' * 12)}" for k, v in named.items() if k[:2] != "__"]
    return lines(rows)


def _json(entry: Entry, number: int) -> dict[str, str]:
    return {"__CURSOR": _cursor(entry, number), **fields_of(entry)}


def _pretty(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows: list[str] = []
    for number, entry in enumerate(entries, 1):
        pairs = [f"\t{json.dumps(k)} : {json.dumps(v, ensure_ascii=False)}" for k, v in _json(entry, number).items()]
        rows += ["{", *(pair + "," for pair in pairs[:-1]), pairs[-1], "}"]
    return lines(rows)


def _sse(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    return lines([f"data: {json.dumps(_json(entry, n))}\n" for n, entry in enumerate(entries, 1)])


def _seq(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    return lines([f"\x1e{json.dumps(_json(entry, n))}" for n, entry in enumerate(entries, 1)])


def _arrays(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """json as it is for values that are not printable (a list of bytes) and for repeated fields (a list of texts)."""
    rows = []
    for number, entry in enumerate(entries, 1):
        row: dict[str, object] = dict(_json(entry, number))
        row["MESSAGE"] = list(entry.line.text.encode())
        row["SYSLOG_IDENTIFIER"] = ["first", entry.line.ident]
        rows.append(json.dumps(row))
    return lines(rows)


def short_rows(entries: Sequence[Entry], wall: Wall, form: str = "%b %d %H:%M:%S") -> list[str]:
    """The rows of the short mode with its marks between boots."""
    return [
        f"-- Boot {item} --" if isinstance(item, str) else f"{wall.at(item.realtime_us).strftime(form)} {tail(item)}"
        for item in boots(entries)
    ]


def _localised(language: str) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for item in boots(entries):
            if isinstance(item, str):
                rows.append(f"-- Boot {item} --")
                continue
            at = wall.at(item.realtime_us)
            rows.append(f"{_MONTHS[language][at.month - 1]} {at:%d %H:%M:%S} {tail(item)}")
        return lines(rows)

    return render


def _reverse(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``-r``: newest first; the mark names the older boot, whose lines follow."""
    rows = []
    before: str | None = None
    several_hosts = len({entry.host for entry in entries}) > 1
    for entry in reversed(entries):
        if before not in (None, entry.boot_id) and not several_hosts:
            rows.append(f"-- Boot {entry.boot_id} --")
        before = entry.boot_id
        rows.append(f"{wall.at(entry.realtime_us):%b %d %H:%M:%S} {tail(entry)}")
    return lines(rows)


def _reboots(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """systemd before 246: a header line, and a mark without an id."""
    first, last = (wall.at(entry.realtime_us) for entry in (entries[0], entries[-1]))
    head = f"-- Logs begin at {first:%a %Y-%m-%d %H:%M:%S} {zone}, end at {last:%a %Y-%m-%d %H:%M:%S} {zone}. --"
    rows = ["-- Reboot --" if row.startswith("-- Boot ") else row for row in short_rows(entries, wall)]
    return lines([head, *rows])


def _catalogue(mark: str, blank: str) -> Renderer:
    """``-x``: an explanation after each line of systemd."""

    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for item in boots(entries):
            if isinstance(item, str):
                rows.append(f"-- Boot {item} --")
                continue
            rows.append(f"{wall.at(item.realtime_us):%b %d %H:%M:%S} {tail(item)}")
            if item.line.ident == "systemd" and item.line.text.startswith("Starting "):
                rows += [
                    f"{mark}Subject: A start job for unit {item.unit} has begun execution",
                    f"{mark}Defined-By: systemd",
                    blank,
                    f"{mark}A start job for unit {item.unit} has begun execution.",
                    blank,
                    f"{mark}The job identifier is 1234.",
                ]
        return lines(rows)

    return render


def _unit_cat(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """``-u k3s -o cat``: the words of all that the unit has to do with, and nothing of who said them, or when."""
    return lines([entry.line.text for entry in entries])


_RED, _BOLD, _RESET = "\x1b[0;1;39m\x1b[0;1;31m\x1b[0;1;39m", "\x1b[0;1;39m", "\x1b[0m"


def _terminal(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """What ``script`` keeps: title, prompt, colours, carriage returns, a line that was redrawn."""
    rows = [
        "\x1b]0;root@node-a: ~\x07\x1b[?2004hroot@node-a:~# journalctl -u k3s --no-pager",
        "\x1b[?2004l",
    ]
    for item in boots(entries):
        if isinstance(item, str):
            rows.append(f"{_BOLD}-- Boot {item} --{_RESET}")
            continue
        head, _, text = tail(item).partition(": ")
        colour = _RED if "level=fatal" in text else _BOLD if item.line.ident == "systemd" else ""
        shown = f"{colour}{text}{_RESET}" if colour else text
        rows.append(f"{wall.at(item.realtime_us):%b %d %H:%M:%S} {head}: {shown}")
    rows[2] = "loading...\r" + rows[2]
    rows.append("\x1b]8;;file://node-a/var/log\x07/var/log\x1b]8;;\x07")
    rows.append("root@node-a:~# exit")
    return lines(rows, "\r\n")


def _windows(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """The short mode after a redirect in PowerShell."""
    return "\ufeff".encode("utf-16-le") + lines(short_rows(entries, wall), "\r\n").decode().encode("utf-16-le")


def _pages(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """Copied out of the pager, page by page, on a screen wide enough for every line."""
    rows: list[str] = []
    shown = short_rows(entries, wall)
    for first in range(0, len(shown), 40):
        page = shown[first : first + 40]
        last = first + len(page)
        end = "(END)" if last == len(shown) else f"{100 * last // len(shown)}%"
        rows += [*page, f"lines {first + 1}-{last}/{len(shown)} {end}"]
    return lines(rows)


RENDERERS: dict[str, Renderer] = {
    "short-delta": _delta,
    "verbose": _verbose,
    "json-pretty": _pretty,
    "json-sse": _sse,
    "json-seq": _seq,
    "json-arrays": _arrays,
    "short-reverse": _reverse,
    "short-reboots": _reboots,
    "short-catalogue": _catalogue("░░ ", "░░ "),
    "short-catalogue-c": _catalogue("-- ", "--"),
    "short-pages": _pages,
    "terminal": _terminal,
    "unit-cat": _unit_cat,
    "utf-16": _windows,
    **{f"short-{language}": _localised(language) for language in _MONTHS},
}
