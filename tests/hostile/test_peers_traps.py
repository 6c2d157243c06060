"""Traps that tools of this kind have fallen into, each seen in one of them; none may catch us."""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.results import StartReport
from tests.hostile.hostile_kit import healthy, k3slog
from tests.kit.score_recorded import RECORDED, carrier_bytes

LOOP = "1324-killed-thrice"


def starts_of(content: bytes) -> tuple[StartReport, ...]:
    """The starts found in ``content``."""
    return analyzer.analyze(analyzer.load(stdin=io.BytesIO(content))).report.starts


def told(start: StartReport) -> dict[str, Any]:
    """What matters of a start, without where its lines stand."""
    return {
        "outcome": start.outcome,
        "ready": (start.ready.lower, start.ready.upper),
        "detected": (start.detected.lower, start.detected.upper),
        "checks": {c.name: (c.cleared.lower, c.cleared.upper, c.last_blocker) for c in start.checks},
        "polls": [(p.at_s, p.error, p.failing) for p in start.polls],
        "phases": [(p.id, p.duration_s.min, p.duration_s.max) for p in start.phases],
        "bottleneck": start.bottleneck.checks,
    }


def new_year(year_hint: bool) -> bytes:
    """A short-format start (no year) that begins in one year and is ready in the next."""
    stamp = "2024-12-31T23:59:58Z", "2025-01-01T00:00:03Z"
    inner = [f'time="{s}" level=info msg=' if year_hint else "level=info msg=" for s in stamp]
    return (
        "Dec 31 23:59:57 node-a systemd[1]: Starting k3s.service - Lightweight Kubernetes...\n"
        f'Dec 31 23:59:58 node-a k3s[77]: {inner[0]}"Starting k3s v1.33.4+k3s1 (148243c4)"\n'
        f'Jan 01 00:00:03 node-a k3s[77]: {inner[1]}"Kube API server is now running"\n'
        f'Jan 01 00:00:03 node-a k3s[77]: {inner[1]}"k3s is up and running"\n'
    ).encode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
@pytest.mark.parametrize("mtime", [0, 1_924_992_000])  # 1970 and 2031
def test_the_year_comes_from_the_log_not_from_today_or_the_file(zone: str, mtime: int, tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(new_year(year_hint=True))
    os.utime(path, (mtime, mtime))
    ran = subprocess.run(
        [sys.executable, "-m", "analyzer.cli.main", "analyze", str(path), "--format", "json"],
        capture_output=True,
        check=True,
        env={**os.environ, "TZ": zone},
    )
    [start] = json.loads(ran.stdout)["starts"]
    assert start["began_at"].startswith("2024-12-31T23:59:57")
    assert start["ready"]["upper"] == pytest.approx(7.0, abs=0.01)  # to the end of the second of the line


def test_without_a_year_none_is_made_up() -> None:
    [start] = starts_of(new_year(year_hint=False))
    assert start.began_at is None
    assert start.clock.year_from == "none"
    assert start.ready.upper == pytest.approx(7.0, abs=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", [LOOP, "1324-fresh-15", "1350-debug"])
def test_shuffled_records_tell_the_same(name: str, seed: int) -> None:
    """A sorted list was made, and then the unsorted one used (cloud-init)."""
    records = [r for r in healthy("export", name).split(b"\n\n") if r]

    def stamp(record: bytes) -> int:
        found = re.search(rb"__REALTIME_TIMESTAMP=(\d+)", record)
        assert found is not None
        return int(found.group(1))

    # Records of one microsecond keep their order: nothing could tell which came first.
    groups: dict[int, list[bytes]] = {}
    for record in records:
        groups.setdefault(stamp(record), []).append(record)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    shuffled = b"\n\n".join(record for group in order for record in group) + b"\n\n"
    assert [told(s) for s in starts_of(shuffled)] == [told(s) for s in starts_of(healthy("export", name))]


@pytest.mark.parametrize("by_s", [-300, 300, 86_400 * 400])
def test_a_clock_step_moves_no_duration(by_s: int) -> None:
    """Wall-clock differences went negative (kube-burner, systemd): the monotonic stamps know better."""
    content = healthy("export")
    records = [r for r in content.split(b"\n\n") if r]
    serving = next(i for i, r in enumerate(records) if b"Serving securely" in r)

    def stepped(match: re.Match[bytes]) -> bytes:
        return b"__REALTIME_TIMESTAMP=%d" % (int(match.group(1)) + by_s * 1_000_000)

    moved = [
        re.sub(rb"__REALTIME_TIMESTAMP=(\d+)", stepped, record) if i >= serving else record
        for i, record in enumerate(records)
    ]
    [start] = starts_of(b"\n\n".join(moved) + b"\n\n")
    [plain] = starts_of(content)
    assert start.outcome == "ready"
    assert start.clock.steps == 1
    assert start.ready.lower is not None
    assert start.ready.upper is not None
    assert plain.ready.lower is not None
    assert plain.ready.upper is not None
    assert start.ready.lower <= plain.ready.upper
    assert start.ready.upper >= plain.ready.lower
    assert abs(start.ready.upper - plain.ready.upper) < 1.5  # klog's own stamps stepped too, so they may be dropped
    assert all(p.duration_s.min >= 0 for p in start.phases)


def polling(count: int, interval_s: float) -> bytes:
    """``count`` polls of which three are printed, on a grid, then readiness at the tick after the last."""
    base = 1_740_808_800_000_000
    lines = [(0.0, "systemd", "Starting k3s.service - Lightweight Kubernetes...")]
    lines.append((0.5, "k3s", 'time="2025-03-01T06:00:00Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"'))
    for number, words in {0: "ping", 1: "etcd", 2: "poststarthook/rbac/bootstrap-roles"}.items():
        text = (
            'level=info msg="Polling for API server readiness: GET /readyz failed: an error on the server '
            f'(\\"[-]{words} failed: reason withheld\\\\nreadyz check failed\\") has prevented the request '
            'from succeeding"'
        )
        lines.append((2.0 + number * interval_s, "k3s", text))
    lines += [(2.0 + number * interval_s, "other", "noise") for number in range(3, count)]
    lines += [(2.01 + number * interval_s, "k3s", 'level=info msg="Reconciling"') for number in range(3, count)]
    lines.append((2.01 + count * interval_s, "k3s", 'level=info msg="Kube API server is now running"'))
    return b"".join(
        json.dumps(
            {
                "__REALTIME_TIMESTAMP": str(base + round(at * 1e6)),
                "_HOSTNAME": "node-a",
                "SYSLOG_IDENTIFIER": who,
                "_PID": "1" if who == "systemd" else "77",
                "MESSAGE": message,
                **({"UNIT": "k3s.service"} if who == "systemd" else {"_SYSTEMD_UNIT": "k3s.service"}),
            }
        ).encode()
        + b"\n"
        for at, who, message in lines
    )


def test_printed_lines_are_not_the_attempts() -> None:
    [start] = starts_of(polling(20, 2.0))
    assert start.poller.printed == 3
    assert start.poller.implied == 17
    assert len(start.polls) == 21  # and the success
    assert start.ready.lower is not None
    assert start.ready.upper is not None
    assert start.ready.lower == pytest.approx(40.0, abs=0.1)
    assert start.ready.upper == pytest.approx(42.0, abs=0.1)


def test_a_crash_between_two_starts_merges_nothing() -> None:
    """A missing "ready" made one long window of two starts (an OpenShift analyser)."""
    starts = starts_of(healthy("export", LOOP))
    assert [s.outcome for s in starts] == ["failed", "failed", "failed", "ready"]
    for one, following in pairwise(starts):
        assert one.began_at is not None
        assert following.began_at is not None
        assert one.ready.upper is None
        assert one.began_at < following.began_at
        if one.end.at_s is not None:
            assert one.began_at.timestamp() + one.end.at_s <= following.began_at.timestamp()


def test_failures_are_rows_too() -> None:
    """Failed runs were left out of the totals (time-to-k8s)."""
    table = analyzer.analyze(analyzer.load(stdin=io.BytesIO(healthy("export", LOOP)))).starts()
    assert list(table["outcome"]) == ["failed", "failed", "failed", "ready"]
    assert table["ready_upper_s"].isna().sum() == 3


@pytest.mark.parametrize(
    ("name", "limit", "code"),
    [
        ("1324-fresh-full", 1000.0, 0),
        ("1324-fresh-full", 0.1, 1),
        (LOOP, 1000.0, 1),  # `all`: three never became ready
        ("1324-cri-missing", 1000.0, None),
        ("1350-wrong-token", 1000.0, 1),
        ("1303-term-during-start", 1000.0, None),
    ],
)
def test_a_gate_never_says_yes_to_a_start_that_failed(
    name: str, limit: float, code: int | None, tmp_path: Path
) -> None:
    """Success exits on failure (node-latency-for-k8s)."""
    path = tmp_path / "journal.export"
    path.write_bytes(carrier_bytes(RECORDED / f"{name}.export.gz", "export"))
    ran = k3slog("analyze", path, "--start", "all", "--fail-over", str(limit))
    assert ran.code == code if code is not None else ran.code in (1, 5)


def test_a_gate_inside_the_window_cannot_be_decided(tmp_path: Path) -> None:
    """A gate on a point estimate says yes or no where the data say neither."""
    path = tmp_path / "journal.txt"
    path.write_bytes(healthy("short"))
    [start] = starts_of(healthy("short"))
    assert start.ready.lower is not None
    assert start.ready.upper is not None
    middle = (start.ready.lower + start.ready.upper) / 2
    assert k3slog("analyze", path, "--fail-over", f"{middle:.6f}").code == 5


def test_standard_output_is_data_only(tmp_path: Path) -> None:
    path, page = tmp_path / "journal.txt", tmp_path / "page.html"
    path.write_bytes(healthy("short"))
    ran = k3slog("analyze", path, "--format", "json", "--html", page)
    json.loads(ran.out)
    assert "page.html" in ran.err


def test_the_page_needs_no_network(tmp_path: Path) -> None:
    path, page = tmp_path / "journal.txt", tmp_path / "page.html"
    path.write_bytes(healthy("short"))
    assert k3slog("analyze", path, "--html", page).code == 0
    text = page.read_text()
    assert (
        re.findall(r"<(?:script|link|img|iframe|object)\b[^>]*(?:src|href|data)=[\"']?(?:https?:)?//[^\s\"'>]*", text)
        == []
    )
    assert re.findall(r"@import|url\(\s*[\"']?https?:", text) == []


_PLAIN_NUMBERS = {"lower", "upper", "min", "max"}  # inside windows and spans, whose own names end in _s


def _number_fields(schema: Any, name: str = "") -> set[str]:
    found: set[str] = set()
    if isinstance(schema, dict):
        kind = schema.get("type")
        if name and ("number" in kind if isinstance(kind, list) else kind == "number"):
            found.add(name)
        for key, value in schema.items():
            if key in ("properties", "$defs"):
                for field, inner in value.items():
                    found |= _number_fields(inner, field if key == "properties" else "")
            elif isinstance(value, dict | list):
                found |= _number_fields(value, name if key in ("anyOf", "oneOf") else "")
    elif isinstance(schema, list):
        for inner in schema:
            found |= _number_fields(inner, name)
    return found


def test_every_length_names_its_unit() -> None:
    """A field called seconds held nanoseconds (node-latency-for-k8s)."""
    fields = _number_fields(json.loads(k3slog("schema").out))
    assert "estimate_s" in fields
    assert {field for field in fields - _PLAIN_NUMBERS if not field.endswith("_s")} == set()
