from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

import analyzer
from analyzer.analysis.start_key import start_key
from analyzer.reports import json_report
from analyzer.reports.anonymize import anonymize
from analyzer.results import Links, StartReport
from tests.kit.made_reports import BEGAN, fragment, ready_start, report_of

SAMPLES = Path(__file__).parents[2] / "sample_logs"
BOOT, OTHER_BOOT = "4b1d0c9e7a5f4f0e8d3c2b1a09f8e7d6", "5b1d0c9e7a5f4f0e8d3c2b1a09f8e7d6"
INVOCATION = "9f2c41d07b3e4c55a1b2c3d4e5f60718"


def key(**changes: object) -> str:
    """Of a start on node-a that began at a known second, as process 1234."""
    plain = {"host": "node-a", "pid": 1234, "boot_id": None, "invocation_id": None}
    return start_key(ready_start(**(plain | changes)))


def test_a_key_can_be_read() -> None:
    assert key() == "node-a/2025-03-01T06:03:22Z/1234"
    assert key(invocation_id=INVOCATION) == "node-a/9f2c41d07b3e"
    assert key(pid=None) == "node-a/2025-03-01T06:03:22Z"
    assert key(boot_id=BOOT, begin_seen=False) == "node-a/4b1d0c9e7a5f/1234"
    assert key(host=None, boot_id=BOOT) == "boot-4b1d0c9e7a5f/2025-03-01T06:03:22Z/1234"


def test_what_is_read_beside_a_start_and_how_it_is_written_down_does_not_matter() -> None:
    assert key(index=7, source=3) == key()
    there = BEGAN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert key(began_at=there) == key() == key(began_at=there.replace(microsecond=0))
    assert key(invocation_id=INVOCATION, began_at=None, begin_seen=False, pid=None) == key(invocation_id=INVOCATION)
    assert key(invocation_id=INVOCATION[:8] + "-" + INVOCATION[8:]) == key(invocation_id=INVOCATION)


def test_what_is_not_the_same_start_has_another_key() -> None:
    others = [
        key(host="node-b"), key(pid=1235), key(began_at=BEGAN + timedelta(seconds=1)), key(invocation_id=INVOCATION),
        key(boot_id=BOOT, begin_seen=False), key(boot_id=OTHER_BOOT, begin_seen=False), key(began_at=None),
        key(host=None),
        key(host=None, links=Links(names=("node-b",))), key(host=None, milestones=()),
        key(host=None, began_at=BEGAN + timedelta(milliseconds=400)),
    ]  # fmt: skip
    assert len({key(), *others}) == len(others) + 1


@pytest.mark.parametrize("counted", ["0" * 31 + "1", "00000000-0000-0000-0000-000000000001"])
def test_ids_that_were_counted_are_met_in_other_logs_and_name_nothing(counted: str) -> None:
    assert key(invocation_id=counted, boot_id=counted) == key()
    assert key(invocation_id=counted, boot_id=counted, begin_seen=False) == key(begin_seen=False)


def test_starts_of_two_anonymized_reports_stay_apart() -> None:
    first, second = (
        anonymize(report_of(ready_start(host=host, invocation_id=id, began_at=BEGAN + timedelta(seconds=later))))
        for host, id, later in (("cp-1", INVOCATION, 0), ("cp-2", INVOCATION[::-1], 9))
    )
    assert first.starts[0].host == second.starts[0].host
    assert start_key(first.starts[0]) != start_key(second.starts[0])


def test_pieces_without_host_or_date_are_told_apart_by_what_they_say() -> None:
    bare = replace(fragment(), host=None, pid=None, boot_id=None, invocation_id=None, began_at=None, milestones=())
    assert start_key(bare).startswith("?/undated/")
    assert start_key(replace(bare, cut_at_s=99.5)) != start_key(bare) == start_key(replace(bare, index=9))


def keys_of(*names: str) -> list[str]:
    return [start_key(start) for start in analyzer.analyze([SAMPLES / name for name in names])]


def test_the_same_start_of_two_inputs_has_one_key_and_no_two_starts_share_one() -> None:
    alone = keys_of("crash-loop-until-roles.short.txt")
    assert len(set(alone)) == len(alone) == 4
    assert set(keys_of("crash-loop-until-roles.short.txt", "healthy-sqlite.short.txt")) > set(alone)


def test_the_recordings_are_different_starts() -> None:
    names = sorted(path.relative_to(SAMPLES).as_posix() for path in (SAMPLES / "ab").glob("*-25-*.export.gz"))[:4]
    keys = [one for name in names for one in keys_of(name)]
    assert len(set(keys)) == len(keys) == 8


def test_the_key_is_in_the_json_of_each_start() -> None:
    start: StartReport = ready_start()
    [told] = json_report.report_object(report_of(start))["starts"]
    assert told["key"] == start_key(start)
