"""The first finding on recorded starts whose story is known, in every carrier that holds the deciding line.

``tests/data/recorded/README.md`` tells what was done to each; ``tests/events/test_findings.py`` looks at more of them.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import pytest

import analyzer
from analyzer.results import StartReport
from tests.kit.score_recorded import CARRIERS, RECORDED, carrier_bytes

# name, start: the findings one of which must be first, in the carriers that hold what decides
FINE = ("export", "json")
CAUSES: dict[tuple[str, int], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("1303-bad-apiserver-arg", 1): (("unknown_flag",), CARRIERS),
    ("1350-bad-apiserver-arg", 2): (("unknown_flag",), CARRIERS),
    ("1324-bad-apiserver-value", 1): (("bad_value",), CARRIERS),
    ("1324-bad-cidr", 1): (("bad_value",), CARRIERS),
    ("1324-bad-datastore", 1): (("datastore_unreachable",), CARRIERS),
    ("1322-bad-etcd-endpoint", 1): (("datastore_unreachable",), CARRIERS),
    ("1324-bad-encryption-config", 1): (("encryption_config",), CARRIERS),
    ("1322-port-6444-taken", 1): (("port_in_use",), CARRIERS),
    ("1303-wrong-token", 2): (("wrong_token",), CARRIERS),
    ("1350-wrong-token", 2): (("wrong_token",), CARRIERS),
    ("1350-corrupt-db", 2): (("database_malformed",), CARRIERS),
    ("1324-cri-missing", 1): (("cri_missing",), CARRIERS),
    ("1324-unknown-flag", 1): (("unknown_flag",), CARRIERS),
    ("1324-ha-quorum-lost", 2): (("no_quorum",), CARRIERS),
    ("1350-quorum-lost-15min", 2): (("no_quorum",), CARRIERS),
    ("1324-v2", 1): (("logging_config",), CARRIERS),
    ("1324-pg-250ms", 1): (("slow_datastore",), CARRIERS),
    ("1324-pg-250ms", 2): (("slow_datastore",), CARRIERS),
    ("1324-pg-late-20s", 1): (("datastore_late",), CARRIERS),
    ("1324-killed-thrice", 1): (("killed",), ("export", "json", "short", "iso")),  # a kill leaves systemd's words only
    ("1324-killed-thrice", 4): (("crash_loop",), ("export", "json", "short", "iso")),
    ("1324-crashloop-slow", 1): (("cpu_starved",), CARRIERS),
    ("1324-crashloop-slow", 2): (("cpu_starved",), CARRIERS),
    ("1324-frozen-12s", 1): (("frozen_gap",), CARRIERS),
    ("1324-starved-midway", 1): (("cpu_starved",), FINE),  # late answers show in stamps finer than a second only
    ("1322-etcd-fresh", 1): (("slow_datastore",), CARRIERS),
    ("1324-etcd-restart", 1): (("slow_datastore",), CARRIERS),
    ("1324-etcd-restart", 2): (("slow_datastore",), FINE),
    ("1303-full-b", 1): (("slow_datastore", "cpu_starved"), CARRIERS),  # a slow disk and a quarter of a core
    ("1303-term-during-start", 1): (("stopped_early",), ("export", "json", "short", "iso")),
    ("1341-term-during-start", 1): (("stopped_early",), ("export", "json", "short", "iso")),
}
HEALTHY = ("1284-fresh-full", "1322-debug", "1322-tz-kolkata", "1324-full-a", "1350-fresh-full", "1341-r404")


@cache
def starts(name: str, carrier: str) -> tuple[StartReport, ...]:

    data = carrier_bytes(RECORDED / f"{name}.export.gz", carrier)
    return analyzer.analyze(analyzer.load(stdin=io.BytesIO(data))).report.starts


@pytest.mark.parametrize(("name", "index"), CAUSES)
def test_the_first_finding_names_what_was_done_to_the_start(name: str, index: int) -> None:
    expected, carriers = CAUSES[name, index]
    for carrier in carriers:
        first = starts(name, carrier)[index - 1].findings[0]
        assert first.id in expected, carrier
        assert first.lines, carrier
        assert first.advice or first.severity == "info"


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_healthy_recording_is_called_healthy(name: str, carrier: str) -> None:
    for start in starts(name, carrier):
        assert start.findings[0].id == "healthy", start.index
        assert all(finding.severity == "info" for finding in start.findings)


def recorded() -> list[Path]:
    return sorted(RECORDED.glob("*.export.gz"))


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name.removesuffix(".export.gz"))
def test_few_findings_ask_for_something(path: Path) -> None:
    """At most a handful stand under what to do, and none twice."""
    for start in starts(path.name.removesuffix(".export.gz"), "export"):
        asking = [finding.id for finding in start.findings if finding.severity != "info"]
        assert len(asking) <= 3
        titles = [finding.title for finding in start.findings]
        assert len(titles) == len(set(titles))
