"""Mutators of the fuzz target: lines and whole files, bent in ways that logs, copies and archives are bent.

Everything is driven by one ``random.Random``: the same seed gives the same mutants.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 4000  # bytes of a mutated line: more is the matter of tests/hostile/test_worst_inputs.py

TOKENS: tuple[bytes, ...] = tuple(
    t.encode("utf-8", "surrogatepass") if isinstance(t, str) else t
    for t in (
        'time="', 'msg="', "level=", "level=fatal ", 'error="', "\\", '\\"', '"', "\\n", "\\x1b[31m", "\\u0000",
        "\\ud800",
        "[+]ping ok", "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld", "healthz check failed",
        "Polling for API server readiness: GET /readyz failed: ", "status unchanged", "Starting k3s v1.32.4+k3s1 (",
        "Kube API server is now running", "Trace[1]: ", "panic: ", "goroutine 1 [running]:", "F1123 ",
        "E1231 23:59:60.",
        "-- Boot ", "-- Reboot --", "--", "...", "…", "░░ ", "-- Subject: ", "Suppressed 99 messages from k3s.service",
        "[1.2K blob data]", "message repeated 5 times: [ ", "lines 1-20", "● k3s.service - x",
        "Active: active (running)",
        "<30>1 ", "<13>", "- - - ", "stdout F ", "stderr P ", "{", "}", "[", "]", '{"log":"', '{"MESSAGE":', "data: {",
        "> ", "| ", " | ", ": ", "[1]: ", "k3s[", "systemd[1]: ", "\t", "\r", "\r\r", "\x0b", "\x0c", "\x00", "\x1b[2K",
        "\x1b]0;t\x07", "\x1b]8;;", "\x1b", "\ufeff", "\u200e", "\u202e", "\x85", "\u2028", "é", "日本", "🚀", "ß" * 9,
        "2026-02-30T25:61:61Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60.999999999+14:00", "1969-12-31T23:59:59Z",
        "Feb 29 00:00:00", "12月 31 24:00:00", "[99999999999.000000] ", "4294967295.000000 ", "1e308", "-1", "NaN",
        "null",
        "18446744073709551616", "9" * 400, "0" * 60, "=", "==", ",", ";", " " * 70, "'", "`", "%s%n", "{{", "../",
        "A" * 99,
        b"\xff", b"\xfe\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80",
    )
)  # fmt: skip
NUMBERS = (
    b"0", b"1", b"9", b"00", b"-1", b"60", b"99", b"255", b"65536", b"2147483648", b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615", b"9" * 30, b"9" * 500, b"1" + b"0" * 308, "٣".encode(), "²".encode(), b"0x10", b"1.5", b"",
)  # fmt: skip
_DIGITS = re.compile(rb"\d+")
_SPLIT = re.compile(rb"[ \t:=\[\]{}\",]")


def _json_text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _dumps(**fields: object) -> bytes:
    return json.dumps(fields).encode()


ENVELOPES: tuple[Callable[[bytes], bytes], ...] = (
    lambda b: b"Nov 23 16:08:43 vm k3s[801]: " + b,
    lambda b: b"Nov 23 16:08:43.123456 vm systemd[1]: " + b,
    lambda b: b"2026-11-23T16:08:43+0000 vm k3s[801]: " + b,
    lambda b: b"2026-11-23T16:08:43.123456789Z " + b,
    lambda b: b"2026-11-23T16:08:43.123456789Z stderr F " + b,
    lambda b: b"2026-11-23T16:08:43.123456789Z stdout P " + b,
    lambda b: b"Mon 2026-11-23 16:08:43 UTC vm k3s.service[801]: " + b,
    lambda b: b"[   12.123456] vm k3s[801]: " + b,
    lambda b: b"1795450123.912345 vm k3s[801]: " + b,
    lambda b: b"<30>1 2026-11-23T16:08:43Z vm k3s 801 - - " + b,
    lambda b: b"<30>Nov 23 16:08:43 vm k3s[801]: " + b,
    lambda b: b"k3s-server-1  | " + b,
    lambda b: b"[pod/x/y] " + b,
    lambda b: b"job\tstep\t2026-11-23T16:08:43.1234567Z " + b,
    lambda b: b"> " + b,
    lambda b: b"16:08:43 vm k3s[801]: " + b,
    lambda b: b"data: " + b,
    lambda b: b"null_resource.k3s (remote-exec): " + b,
    lambda b: b'time="2026-11-23T16:08:43Z" level=info msg="' + b.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"',
    lambda b: _dumps(log=_json_text(b) + "\n", stream="stderr", time="2026-11-23T16:08:43.1Z"),
    lambda b: _dumps(MESSAGE=_json_text(b), __REALTIME_TIMESTAMP="1795450123912345", _PID="801"),
    lambda b: _dumps(MESSAGE=list(b[:200]), __REALTIME_TIMESTAMP="1795450123912345", SYSLOG_IDENTIFIER=["k3s", "a"]),
    lambda b: _dumps(line=_json_text(b), timestamp="1795450123912345000", labels={}),
    lambda b: _dumps(message=_json_text(b), host={"name": "vm"}, **{"@timestamp": "2026-11-23T16:08:43.1Z"}),
    lambda b: b'[1795450123.912345, {"log"=>"' + b + b'"}]',
    lambda b: b"E1123 16:08:43.123456     801 x.go:1] " + b,
)


def mutate_line(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    """``line`` bent one to four times; it may hold anything but LF."""
    while True:
        line = _LINE_OPS[int(rng.random() * len(_LINE_OPS))](rng, line, pool)
        if rng.random() < 0.45:
            break
    if len(line) > LONGEST:
        line = line[:LONGEST]
    return line.replace(b"\n", b" ") if b"\n" in line else line


def _at(rng: Random, data: bytes) -> int:
    return int(rng.random() * (len(data) + 1))


def _flip(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    at = _at(rng, line)
    return line[:at] + bytes((int(rng.random() * 256),)) + line[at + 1 :]


def _cut(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    at = _at(rng, line)
    return line[:at] if rng.random() < 0.6 else line[at:]


def _drop(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    at = _at(rng, line)
    return line[:at] + line[at + 1 + int(rng.random() * 20) :]


def _token(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    at = _at(rng, line)
    token = TOKENS[int(rng.random() * len(TOKENS))]
    return line[:at] + token + line[at + (int(rng.random() * 12) if rng.random() < 0.3 else 0) :]


def _number(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    found = list(_DIGITS.finditer(line))
    if not found:
        return _token(rng, line, pool)
    where = found[int(rng.random() * len(found))]
    return line[: where.start()] + NUMBERS[int(rng.random() * len(NUMBERS))] + line[where.end() :]


def _repeat(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    at = _at(rng, line)
    end = at + 1 + int(rng.random() * 24)
    times = 2 + int(rng.random() ** 4 * 120)
    return line[:at] + line[at:end] * times + line[end:]


def _splice(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    other = pool[int(rng.random() * len(pool))]
    return line[: _at(rng, line)] + other[_at(rng, other) :]


def _glue(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    return line + pool[int(rng.random() * len(pool))]


def _wrap(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    for _ in range(1 + int(rng.random() ** 3 * 6)):
        line = ENVELOPES[int(rng.random() * len(ENVELOPES))](line[:LONGEST])
    return line


def _field(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    """One word exchanged for a word of another line."""
    mine = [m.start() for m in _SPLIT.finditer(line)]
    other = _SPLIT.split(pool[int(rng.random() * len(pool))])
    if len(mine) < 2:
        return _splice(rng, line, pool)
    n = int(rng.random() * (len(mine) - 1))
    return line[: mine[n] + 1] + other[int(rng.random() * len(other))] + line[mine[n + 1] :]


def _recode(rng: Random, line: bytes, pool: Sequence[bytes]) -> bytes:
    text = line.decode("utf-8", "replace")
    match int(rng.random() * 5):
        case 0:
            return text.encode("utf-16-le")
        case 1:
            return text.upper().encode("utf-8", "replace")
        case 2:
            return json.dumps(text).encode()
        case 3:
            return text.encode().decode("latin-1").encode()  # read as latin-1, saved as UTF-8
        case _:
            return line.replace(b" ", b"\t") if rng.random() < 0.5 else line.replace(b'"', b"")


_LINE_OPS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip, _flip, _cut, _drop, _token, _token, _token, _number, _number, _repeat, _splice, _glue, _wrap, _wrap, _field,
    _field, _recode,
)  # fmt: skip


# --- files ----------------------------------------------------------------------------------------------------------

_INTS = (0, 1, 7, 8, 15, 16, 17, 64, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63,
         2**64 - 1, 2**64 - 8)  # fmt: skip


def mutate_bytes(rng: Random, data: bytes, *, step: int = 1) -> bytes:
    """``data`` bent one to five times: bits, bytes, integers of four sizes, slices; ``step``: where integers begin."""
    out = bytearray(data)
    while True:
        size = len(out)
        if not size:
            return bytes(out) + bytes(int(rng.random() * 4))
        at = int(rng.random() * size)
        match int(rng.random() * 11):
            case 0:
                out[at] ^= 1 << int(rng.random() * 8)
            case 1:
                out[at] = int(rng.random() * 256)
            case 2 | 3:
                wide = (1, 2, 4, 8)[int(rng.random() * 4)]
                value = _INTS[int(rng.random() * len(_INTS))] if rng.random() < 0.7 else at
                at -= at % step
                order = "<" if rng.random() < 0.85 else ">"
                kind = {1: "B", 2: "H", 4: "I", 8: "Q"}[wide]
                out[at : at + wide] = struct.pack(order + kind, value & (2 ** (8 * wide) - 1))
            case 4 | 5:  # a number that is valid elsewhere: an offset that points into a loop
                source = int(rng.random() * size)
                wide = (4, 8, 16)[int(rng.random() * 3)]
                at, source = at - at % step, source - source % step
                out[at : at + wide] = out[source : source + wide]
            case 6:
                del out[at:]
            case 7:
                del out[at : at + 1 + int(rng.random() * 64)]
            case 8:
                piece = out[at : at + 1 + int(rng.random() * 200)]
                out[at:at] = piece * (1 + int(rng.random() ** 3 * 20))
            case 9:
                end = at + 1 + int(rng.random() * 40)
                out[at:end] = bytes((int(rng.random() * 256) if rng.random() < 0.5 else 0,)) * (min(end, size) - at)
            case _:
                out += bytes(int(rng.random() * 256) for _ in range(int(rng.random() * 40)))
        if rng.random() < 0.5:
            return bytes(out)


def mutate_text(rng: Random, lines: Sequence[bytes], pool: Sequence[bytes]) -> bytes:
    """A short text of some of ``lines``, a few of them bent, doubled, moved or gone."""
    begin = int(rng.random() * max(1, len(lines) - 8))
    rows = list(lines[begin : begin + 4 + int(rng.random() * 40)])
    for _ in range(1 + int(rng.random() * 5)):
        if not rows:
            break
        at = int(rng.random() * len(rows))
        match int(rng.random() * 6):
            case 0:
                del rows[at]
            case 1:
                rows.insert(at, rows[int(rng.random() * len(rows))])
            case 2:
                rows.insert(at, pool[int(rng.random() * len(pool))])
            case _:
                rows[at] = mutate_line(rng, rows[at], pool)
    return b"\n".join(rows) + (b"\n" if rng.random() < 0.8 else b"")
