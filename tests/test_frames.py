from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analyzer import frames
from analyzer.analysis.start_key import start_key
from analyzer.results import Finding, Gap, Goal, Milestone
from analyzer.window import OPEN
from tests.analysis.test_clusters import late_server
from tests.kit import many_hosts
from tests.kit.frame_schema import validate
from tests.kit.made_reports import RBAC, crash_loop, fragment, hostile_start, ready_start, report_of

REPORTS = {
    "empty": report_of(),
    "mixed": report_of(ready_start(), fragment(index=2), hostile_start()),
    "loop": crash_loop(4),
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("name", sorted(frames.TABLES))
def test_every_table_has_its_schema_whatever_is_in_it(name: str, report: str) -> None:
    frame = frames.build(name, REPORTS[report])
    validate(frame, name)
    assert list(frame.columns) == frames.TABLES[name].names


def test_stamps_of_any_century_fit_a_table() -> None:
    start = ready_start()
    assert start.began_at is not None
    for year in (1000, 2300, 8999):
        there = replace(start, began_at=start.began_at.replace(year=year))
        assert set(frames.build("timeline", report_of(there))["time_lower"].dropna().dt.year) == {year}


def test_rows_count_what_the_report_holds() -> None:
    report = REPORTS["mixed"]
    assert len(frames.starts(report)) == 3
    assert len(frames.polls(report)) == sum(len(s.polls) for s in report.starts)
    assert len(frames.checks(report)) == sum(len(s.checks) for s in report.starts)
    assert len(frames.phases(report)) == sum(len(s.phases) for s in report.starts)
    hooks = frames.hooks(report)
    assert set(hooks["hook"]) >= {"rbac/bootstrap-roles", "crd-informer-synced"}
    assert not hooks["hook"].str.startswith("poststarthook/").any()


def test_a_check_that_is_no_hook_is_in_checks_only() -> None:
    start = ready_start()
    report = report_of(replace(start, checks=(replace(start.checks[0], name="etcd"), *start.checks[1:])))
    assert "etcd" in set(frames.checks(report)["check"])
    assert len(frames.hooks(report)) == len(frames.checks(report)) - 1


def test_windows_reach_the_tables_unchanged_and_open_ends_are_missing() -> None:
    (row,) = frames.starts(report_of(ready_start())).to_dict("records")
    assert (row["ready_lower_s"], row["ready_upper_s"]) == (12.0312, 14.0518)
    assert row["ready_lower_kind"] == "grid" and row["ready_upper_line"] == 61
    open_ended = frames.starts(report_of(fragment()))
    assert open_ended["ready_upper_s"].isna().all() and open_ended["ready_lower_line"].isna().all()
    assert open_ended["began_at"].isna().all()


def test_the_timeline_is_in_time_order_and_tells_inferred_from_printed() -> None:
    line = frames.timeline(report_of(ready_start()))
    first = line["t_lower_s"].fillna(line["t_upper_s"])
    assert first.is_monotonic_increasing
    assert {"poll", "milestone", "check_failing", "check_ok", "phase_begin", "phase_end", "ready", "detected"} == set(
        line["kind"]
    )
    polls = line[line["kind"] == "poll"]
    assert polls["printed"].sum() == 4 and (~polls["printed"]).sum() == 3
    implied = polls[(~polls["printed"]) & polls["line"].isna()]
    assert set(implied["lower_kind"]) == {"grid"} and (implied["t_lower_s"] < implied["t_upper_s"]).all()
    (cleared,) = line[(line["kind"] == "check_ok") & (line["id"] == RBAC)].to_dict("records")
    assert (cleared["t_lower_s"], cleared["t_upper_s"]) == (12.0312, 14.0518)


def test_a_stamp_covers_its_precision() -> None:
    from analyzer.results import ClockNote

    coarse = frames.timeline(report_of(ready_start(clock=ClockNote("journal", 1.0, "+00:00", "stamp", 0))))
    milestones = coarse[coarse["kind"] == "milestone"]
    assert ((milestones["t_upper_s"] - milestones["t_lower_s"]).round(9) == 1.0).all()


def test_times_are_aware_and_agree_with_the_seconds() -> None:
    line = frames.timeline(report_of(ready_start()))
    (ready,) = line[line["kind"] == "ready"].to_dict("records")
    assert ready["time_lower"] == pd.Timestamp("2025-03-01T06:03:34.031200Z")


def test_ends_of_windows_and_ranges_are_ordered_pairs() -> None:
    assert frames.TIMELINE.ordered == [("t_lower_s", "t_upper_s"), ("time_lower", "time_upper")]
    assert frames.TABLES["hooks"].ordered == frames.TABLES["checks"].ordered
    assert frames.TABLES["checks"].ordered == [
        ("cleared_lower_s", "cleared_upper_s"),
        ("exclusive_min_s", "exclusive_max_s"),
        ("saving_min_s", "saving_max_s"),
    ]
    assert [len(frames.TABLES[name].ordered) for name in ("polls", "phases", "starts")] == [0, 3, 3]
    assert frames.SIMULATION.ordered == []


def test_validate_names_everything_that_is_wrong() -> None:
    frame = frames.starts(report_of(ready_start()))
    with pytest.raises(ValueError, match=r"no column host.*pid is float64, not Int64"):
        validate(frame.drop(columns="host").astype({"pid": "float64"}), "starts")
    with pytest.raises(ValueError, match=r"ready_lower_s > ready_upper_s in row 0"):
        validate(frame.assign(ready_lower_s=99.0), "starts")
    validate(frame.assign(mine=1), "starts")


def test_selected_starts_keep_their_index() -> None:
    report = REPORTS["loop"]
    assert frames.build("starts", report, report.starts[2:3])["start"].tolist() == [3]


def test_the_docs_are_current() -> None:
    root = Path(__file__).parents[1]
    made = subprocess.run(
        [sys.executable, "-m", "analyzer.frames"], capture_output=True, encoding="utf-8", check=True, cwd=root
    ).stdout
    assert (root / "docs" / "frames.md").read_text(encoding="utf-8") == made
    assert "pandas" not in subprocess.run(
        [sys.executable, "-c", "import analyzer.frames, sys; print('pandas' if 'pandas' in sys.modules else '')"],
        capture_output=True, encoding="utf-8", check=True, cwd=root,
    ).stdout  # fmt: skip


def test_episodes_and_waits_of_clusters_have_their_rows(tmp_path: Path) -> None:
    report = many_hosts.report_of(tmp_path, late_server())
    tries = frames.episodes(report)
    assert list(tries.columns) == frames.EPISODES.names
    assert list(tries["tries"]) == [1, 1] and set(tries["host"]) == {"cp-1", "worker-1"}
    assert list(tries["key"]) == [start_key(start) for start in report.starts]
    [wait] = frames.clusters(report).to_dict("records")
    assert wait["key"] == start_key(report.starts[wait["start"] - 1])
    assert (wait["cluster"], wait["host"], wait["waited_for"], wait["goal"]) == (1, "worker-1", "cp-1", "api")
    assert wait["waited_min_s"] <= 40 <= wait["waited_max_s"] and wait["over_lower_s"] < wait["over_upper_s"]
    for made, table in ((frames.episodes, frames.EPISODES), (frames.clusters, frames.CLUSTERS)):
        empty = made(report_of())
        assert len(empty) == 0 and {c.name: c.dtype for c in table.columns} == {
            n: str(t) for n, t in empty.dtypes.items()
        }


@pytest.mark.parametrize("name", sorted(frames.TABLES))
def test_every_table_with_a_start_says_which_it_was(name: str) -> None:
    columns = frames.TABLES[name].names
    assert {"key", "host", "version", frames.TABLES[name].start_column} <= set(columns)
    starts = REPORTS["loop"].starts
    for row in frames.rows(name, REPORTS["loop"]):
        start = starts[row[frames.TABLES[name].start_column] - 1]
        assert (row["key"], row["host"], row["version"]) == (start_key(start), start.host, start.version)


def test_goals_findings_gaps_and_milestones_are_rows() -> None:
    start = replace(
        ready_start(),
        goals=(Goal("api", ready_start().ready, "reached"), Goal("node", OPEN, "unknown")),
        findings=(Finding("slow", "warning", "It was slow", "10 s", "Buy a disk", (17, 9), 0),),
        gaps=(Gap(1.5, 8.0, "silent", 12), Gap(9.0, 9.0, "clock_step", 14, 0, "set back by 3.0 s")),
        before=(Milestone("kernel", -30.0, 1, "Linux version 6"),),
    )
    report = report_of(start)
    api, node = frames.goals(report).to_dict("records")
    assert (api["goal"], api["state"], api["lower_s"], api["upper_line"]) == ("api", "reached", 12.0312, 61)
    assert api["time_lower"] == pd.Timestamp("2025-03-01T06:03:34.031200Z")
    assert node["state"] == "unknown" and pd.isna(node["upper_s"]) and pd.isna(node["time_upper"])
    [found] = frames.findings(report).to_dict("records")
    assert (found["finding"], found["line"], found["lines"], found["advice"]) == ("slow", 17, "17 9", "Buy a disk")
    assert frames.gaps(report)[["gap", "begin_s", "end_s", "line"]].values.tolist() == [
        ["silent", 1.5, 8.0, 12], ["clock_step", 9.0, 9.0, 14],
    ]  # fmt: skip
    stones = frames.milestones(report)
    assert stones["before"].tolist() == [True] + [False] * len(start.milestones)
    assert stones["milestone"].tolist() == ["kernel", *(stone.id for stone in start.milestones)]
    assert stones["time"].iloc[0] == pd.Timestamp("2025-03-01T06:02:52.000000Z")


def test_episodes_are_those_of_the_whole_report_whichever_starts_are_chosen() -> None:
    report = REPORTS["loop"]
    assert frames.build("episodes", report, report.starts[-1:]).equals(frames.episodes(report))
