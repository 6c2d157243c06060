"""Small pure parts: Go quoting, stamps, the arithmetic of years and zones, payload headers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from analyzer import timebase as tb
from analyzer.records.draft import Draft, Inner
from analyzer.records.goquote import quoted, unquote
from analyzer.records.log_record import Payload
from analyzer.records.payloads import digest
from analyzer.records.printable import strip_terminal


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r'"a\"b\\c\n\t"', 'a"b\\c\n\t'), (r'"\x1b[0m"', "\x1b[0m"), (r'"\u00e9\U0001f600"', "é😀"),
        (r'"\xc3\xa9"', "é"), (r'"\303\251"', "é"), (r"\a\b\f\v", "\a\b\f\v"), ('"cut \\', "cut "),
        (r'"cut \u12', "cut \\u12"), ("", ""), ('"', ""), (r"\ud800", "\ufffd"), (r"\q", r"\q"),
        (r'"[+]ping ok\\n[-]etcd', r"[+]ping ok\n[-]etcd"),
    ],
)  # fmt: skip
def test_unquote(text: str, plain: str) -> None:
    assert unquote(text) == plain


@pytest.mark.long
@given(st.text())
def test_unquote_undoes_quoting_at_any_depth(text: str) -> None:
    clean = "".join(c for c in text if not 0xD800 <= ord(c) < 0xE000)
    once = json.dumps(clean, ensure_ascii=False)
    twice = json.dumps(once, ensure_ascii=False)
    assert unquote(once) == clean
    assert unquote(unquote(twice)) == clean
    body, end, closed = quoted(once + " tail", 0)
    assert (body, end, closed) == (clean, len(once), True)


@given(st.text(), st.integers(0, 50))
def test_cut_quotes_never_fail(text: str, size: int) -> None:
    assert isinstance(unquote(json.dumps(text)[:size]), str)


@given(st.text())
def test_stripping_is_final(text: str) -> None:
    once = strip_terminal(text)
    assert "\x1b" not in once
    assert strip_terminal(once) == once


@pytest.mark.parametrize(
    ("text", "us", "offset", "precision"),
    [
        ("2025-03-01T06:03:30Z", 1740809010_000000, 0, 1_000_000),
        ("2025-03-01T07:03:30+01:00", 1740809010_000000, 3600, 1_000_000),
        ("2025-03-01T11:33:30.499713+0530", 1740809010_499713, 19800, 1),
        ("2025-03-01T06:03:30.45484Z", 1740809010_454840, 0, 10),
        ("2025-03-01T06:03:30.123456789Z", 1740809010_123456, 0, 1),
        ("2025-03-01 06:03:30,5", 1740809010_500000, None, 100_000),
    ],
)
def test_iso(text: str, us: int, offset: int | None, precision: int) -> None:
    assert tb.parse_iso(text) == tb.Instant(us, offset, precision)


@pytest.mark.parametrize("text", ["", "now", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "06:03:30", "9" * 400])
def test_what_is_no_iso_stamp(text: str) -> None:
    assert tb.parse_iso(text) is None or text == "06:03:30"


WALLS = st.integers(tb.days_from_civil(1990, 1, 1) or 0, tb.days_from_civil(2090, 1, 1) or 0)
QUARTERS = st.integers(-48, 56).map(lambda q: q * 900)


def partial_of(wall: int) -> int:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(wall // tb.SECOND, UTC)
    return tb.pack_partial(moment.month, moment.day, wall % tb.DAY)


@given(WALLS, st.integers(0, tb.DAY // tb.SECOND - 1), QUARTERS, st.integers(0, 100))
def test_one_anchor_gives_year_and_zone_together(day: int, second: int, offset: int, late: int) -> None:
    utc = day * tb.DAY + second * tb.SECOND
    wall = utc + offset * tb.SECOND + late * tb.SECOND
    found = tb.anchor(3, False, partial_of(wall), utc)
    assert found == tb.Anchor(3, wall, offset)


@given(WALLS, QUARTERS, st.lists(st.integers(0, 40 * 86400), min_size=2, max_size=30).map(sorted), st.data())
def test_lines_without_anchor_take_the_nearest(day: int, offset: int, seconds: list[int], data: st.DataObject) -> None:
    walls = [day * tb.DAY + s * tb.SECOND for s in seconds]
    known = data.draw(st.sets(st.integers(0, len(walls) - 1), min_size=1))
    anchors = [tb.Anchor(i, walls[i], offset) for i in sorted(known)]
    stamps = [(False, partial_of(w)) for w in walls]
    assert tb.resolve_walls(stamps, anchors) == [(w, offset) for w in walls]


def test_new_year_and_leap_day_without_anchor() -> None:
    stamps = [(12, 31), (1, 1), (2, 29), (3, 1)]
    walls = tb.walls_without_anchor([(False, tb.pack_partial(m, d, 5)) for m, d in stamps], 2024)
    assert [tb.year_of(w) for w in walls] == [2023, 2024, 2024, 2024]
    assert walls == sorted(walls)


def test_a_time_of_day_crosses_midnight() -> None:
    assert tb.dates_for_times([23 * tb.HOUR, 1 * tb.HOUR, 23 * tb.HOUR, 2 * tb.HOUR], 0) == [
        23 * tb.HOUR, 25 * tb.HOUR, 47 * tb.HOUR, 50 * tb.HOUR
    ]  # fmt: skip


@pytest.mark.parametrize(("difference", "offset"), [(3600, 3600), (3599, 3600), (3719, 3600), (3597, None), (0, 0)])
def test_offsets_are_quarters_with_a_small_delay(difference: int, offset: int | None) -> None:
    assert tb.quarter_offset(difference * tb.SECOND) == offset


def payload(text: str, ident: str = "k3s", pid: int = 1193) -> Draft:
    draft = Draft(0, 1, text, text, ident=ident, pid=pid)
    digest(draft)
    return draft


@pytest.mark.parametrize(
    ("text", "kind", "level", "message"),
    [
        (
            'time="2025-03-01T06:03:30Z" level=warning msg="a \\"b\\"" error="c d" url=x',
            Payload.LOGRUS,
            "warning",
            'a "b"',
        ),
        ('time="2025-03-01T06:03:30Z" level=info msg=start', Payload.LOGRUS, "info", "start"),
        ('level=info msg="no time"', Payload.LOGRUS, "info", "no time"),
        ('time="2025-03-01T06:03:30Z" level=fatal msg="starting kubern>', Payload.LOGRUS, "fatal", "starting kubern"),
        ('time="2025-03-01T06:03:30Z" level=info ms…dd4)"', Payload.LOGRUS, "info", 'ms…dd4)"'),
        ('INFO[0012] msg padded                               error="x y" url=z', Payload.LOGRUS, "info", "msg padded"),
        ("FATA[2021-04-15T10:01:58.1+08:00] bye", Payload.LOGRUS, "fatal", "bye"),
        (
            'E0301 06:03:33.899917    1193 memcache.go:265] "Unhandled Error" err="x"',
            Payload.KLOG,
            "error",
            '"Unhandled Error" err="x"',
        ),
        ("0301 06:03:33.899917    1193 sadly.badger:265] text", Payload.KLOG, "", "text"),
        (
            '{"level":"warn","ts":"2025-03-01T06:03:32.5+0100","caller":"a/b.go:1","msg":"m","took":"1s"}',
            Payload.ZAP,
            "warning",
            "m",
        ),
        (
            '{"level":"info","ts":"2025-03-01T06:03:32.5+0100","caller":"a/b.go:1","msg":"apply req',
            Payload.ZAP,
            "info",
            "apply req",
        ),
        ('Trace[1]: ---"x" 5ms (06:03)', Payload.TRACE, "", 'Trace[1]: ---"x" 5ms (06:03)'),
        ("panic: boom", Payload.PANIC, "", "panic: boom"),
        ("goroutine 1 [running]:", Payload.PANIC, "", "goroutine 1 [running]:"),
        ("[-]etcd failed: x", Payload.PLAIN, "", "[-]etcd failed: x"),
        ('segment 2-9time="2025-03-01T06:03:30Z" level=fatal msg="x"', Payload.LOGRUS, "fatal", "x"),
        ("I9999 06:03:33.899917    1193 a.go:1] x", Payload.PLAIN, "", "I9999 06:03:33.899917    1193 a.go:1] x"),
    ],
)
def test_payloads(text: str, kind: Payload, level: str, message: str) -> None:
    record = payload(text)
    assert (record.payload, record.level, record.message) == (kind, level, message)


def test_what_a_header_carries() -> None:
    logrus = payload('time="2025-03-01T06:03:30+01:00" level=error msg="a" error="b \\"c\\"" logger=k3s')
    assert logrus.fields == {"error": 'b "c"', "logger": "k3s"}
    assert (logrus.inner, logrus.inner_offset_s, logrus.inner_precision) == (Inner.UTC, 3600, 1_000_000)
    klog = payload('I0229 06:03:33.899917       7 secure_serving.go:213] "x" a="b" c={d}')
    assert (klog.file, klog.klog_pid, klog.inner) == ("secure_serving.go", 7, Inner.PARTIAL)
    assert klog.fields["a"] == "b"
    zap = payload(
        '{"level":"info","ts":"2025-03-01T06:03:32.499713+0530","caller":"embed/etcd.go:128","msg":"m","n":[1]}'
    )
    assert (zap.file, zap.fields["n"], zap.inner_precision) == ("embed/etcd.go", "[1]", 1)
    unit = payload("k3s-agent.service: Scheduled restart job, restart counter is at 12.", ident="systemd", pid=1)
    assert (unit.unit, unit.journal["N_RESTARTS"]) == ("k3s-agent.service", "12")
