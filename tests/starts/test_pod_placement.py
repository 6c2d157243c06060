"""RKE2: the API server's own log beside the journal. Every window contains the truth, and is no wider than without."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

import analyzer
from analyzer.analysis import analyze_records
from analyzer.analysis.line_times import LineTimes
from analyzer.analysis.pod_evidence import with_answering_run
from analyzer.records.read import read_log_records
from analyzer.records.select import Selection, select
from analyzer.results import Report, StartReport
from analyzer.sources.pod_files import Pod
from analyzer.starts import Start, find_starts, judge as judge_start
from analyzer.starts.pod_placement import _place, journal_records, place_pods
from analyzer.testing import Generated, Scenario, StartPlan, generate
from analyzer.testing.scenarios import COMMITS
from tests.kit.bundles import tar
from tests.kit.handmade import Journal
from tests.kit.judge_generated import judge

CARRIERS = ("short", "short-iso-precise", "export")
SEEDS = 24


@cache
def made(seed: int) -> Generated:
    """One RKE2 server, drawn at random: with a container that dies, with two starts, slow, verbose …"""
    rng = random.Random(f"pods/{seed}")
    version = rng.choice([name for name in sorted(COMMITS) if "v1.21" not in name])
    plan = StartPlan(
        version=version.replace("+k3s1", "+rke2r1"), commit="5ba5c1ab9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e", product="rke2",
        host=rng.choice(("rke-1", "rke-1.example.com")), store="etcd", pace=rng.choice((1.0, 1.5, 2.5, 5.0)),
        request_ms=rng.choice((0.5, 3.0, 12.0)), verbose=rng.random() < 0.6, fresh=rng.random() < 0.5,
        starved=rng.random() < 0.2, debug=rng.random() < 0.2,
        api_dies_at_s=rng.uniform(0.2, 9.0) if rng.random() < 0.5 else None,
    )  # fmt: skip
    if rng.random() < 0.15:
        plan = replace(plan, stall_at_s=rng.uniform(0.3, 2.0), stall_s=rng.uniform(3.5, 12.0))
    starts = (plan,)
    if rng.random() < 0.3:
        starts = (replace(plan, fate="stop", api_dies_at_s=None), replace(plan, restarted=0))
    begin = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 600 * 86400))
    cut = rng.uniform(20.0, 45.0) if len(starts) == 1 and rng.random() < 0.2 else None
    offset, zone = rng.choice(((0, "UTC"), (330, "IST"), (-300, "EST")))
    return generate(
        Scenario(name=f"pods-{seed}", starts=starts, begin=begin, cut_after_s=cut, utc_offset_min=offset, zone=zone),
        seed,
    )


def laid_out(journal: Generated, carrier: str, folder: Path, *, keep: str = "") -> list[Path]:
    """The journal and its pods' logs as files; ``keep``: only logs whose path contains it."""
    paths = [folder / f"rke2.{carrier}"]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    paths[0].write_bytes(journal.render(carrier))
    for pod in journal.pods:
        if keep in pod.path:
            path = folder / "pods" / pod.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pod.cri(journal.scenario.utc_offset_min))
            paths.append(path)
    return paths


def report_of(*paths: Path) -> Report:
    return analyzer.analyze(analyzer.load(*paths)).report


def width(start: StartReport) -> float:
    return start.ready.width if start.ready.width is not None else float("inf")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_window_contains_the_truth_with_the_pods_and_without(seed: int, tmp_path: Path) -> None:
    journal = made(seed)
    for carrier in CARRIERS:
        paths = laid_out(journal, carrier, tmp_path / carrier)
        bare, whole = report_of(paths[0]), report_of(*paths)
        for name, report in (("alone", bare), ("with the pods", whole)):
            wrong = judge(journal.truth, report, carrier).wrong
            assert not wrong, f"seed {seed} {carrier} {name}: " + "; ".join(wrong[:6])


# --- what the logs add, and what they must not ------------------------------------------------------------------------


def named(**changes: object) -> Generated:
    """A healthy RKE2 server whose API server logs its failing health answers."""
    plan = StartPlan(
        version="v1.33.4+rke2r1", commit="5ba5c1ab9ce5bbd4b02a17d4a1d0c2c5ae4a6b2e", product="rke2", host="rke-1",
        store="etcd", pace=1.5, request_ms=3.0, verbose=True,
    )  # fmt: skip
    return generate(Scenario(name="pods-named", starts=(replace(plan, **changes),)), 1)  # type: ignore[arg-type]


def said(report: Report) -> str:
    return "\n".join(note for _, note in report.notes)


@pytest.mark.long
def test_most_starts_are_told_sharper_and_none_wider(tmp_path: Path) -> None:
    sharper = 0
    for seed in range(SEEDS):
        paths = laid_out(made(seed), "short-iso-precise", tmp_path / str(seed))
        for bare, whole in zip(report_of(paths[0]).starts, report_of(*paths).starts, strict=True):
            assert width(whole) <= width(bare) + 1e-9, seed
            sharper += width(whole) < width(bare)
    assert sharper > SEEDS // 2


def test_serving_and_the_boot_of_the_api_server_come_from_its_own_log(tmp_path: Path) -> None:
    journal = named()
    [start] = report_of(*laid_out(journal, "export", tmp_path)).starts
    told = journal.truth.starts[0]
    [serving] = [m for m in start.milestones if m.id == "serving_securely"]
    assert serving.source != start.source and serving.at_s == pytest.approx(
        ((told.serving_us or 0) - told.began_us) / 1e6, abs=0.01
    )
    assert any(check.cleared.lower_witness for check in start.checks)


def test_a_container_that_died_bounds_only_with_its_last_run(tmp_path: Path) -> None:
    journal = named(api_dies_at_s=5.0)
    assert sum(pod.what == "kube-apiserver" for pod in journal.pods) == 2
    whole = report_of(*laid_out(journal, "export", tmp_path / "a"))
    first_only = report_of(*laid_out(journal, "export", tmp_path / "b", keep="/0.log"))
    last_only = report_of(*laid_out(journal, "export", tmp_path / "c", keep="/1.log"))
    for report in (whole, first_only, last_only):
        assert judge(journal.truth, report, "export").wrong == []
    assert not [m for m in first_only.starts[0].milestones if m.id == "serving_securely"]
    assert [m for m in last_only.starts[0].milestones if m.id == "serving_securely"]


def test_the_log_of_another_node_is_left_aside(tmp_path: Path) -> None:
    journal = named()
    paths = laid_out(journal, "short", tmp_path / "a")
    bare = report_of(paths[0])
    other = tmp_path / "b" / paths[1].relative_to(tmp_path / "a").as_posix().replace("rke-1", "rke-2")
    other.parent.mkdir(parents=True)
    other.write_bytes(paths[1].read_bytes())
    report = report_of(paths[0], other)
    assert "no start of an RKE2 server on that node; left aside" in said(report)
    assert report.starts[0].checks == bare.starts[0].checks and report.starts[0].ready == bare.starts[0].ready
    assert len(report.starts) == 1


def test_beside_a_clock_that_is_only_guessed_it_is_left_aside(tmp_path: Path) -> None:
    report = report_of(*laid_out(named(), "short-monotonic", tmp_path))
    assert "left aside" in said(report) and len(report.starts) == 1


def test_a_log_analysed_again_gives_the_same_report(tmp_path: Path) -> None:
    """Results are returned, not written into the log: its ledger counted what is left aside anew each time."""
    journal, *pods = laid_out(named(), "short", tmp_path)
    other = tmp_path / "node-b.short"
    other.write_text(journal.read_text().replace("rke-1", "node-b"))
    for paths in ([journal, *pods], [other, *pods]):
        log_records, _ = read_log_records(paths)
        first, *again = (analyze_records(log_records, tool_version="0") for _ in range(3))
        assert again == [first, first]
    assert sum(n for why, n in first.ledger.reasons.items() if "not laid beside a start" in why) > 0


def test_starts_are_frozen_and_what_is_found_out_later_is_in_new_ones(tmp_path: Path) -> None:
    log_records, _ = read_log_records(laid_out(named(), "short", tmp_path))
    records, apart = journal_records(log_records)
    [start] = find_starts(records)
    [placed] = place_pods([start], apart, log_records).starts
    answering = with_answering_run(placed, judge_start(placed), LineTimes(placed))
    assert (start.pod_lines, start.api_runs, placed.api) == ((), (), None)
    assert placed.pod_lines and answering.api in placed.api_runs
    with pytest.raises(FrozenInstanceError):
        start.product = "k3s"  # type: ignore[misc]


def test_alone_it_is_a_fragment_of_its_own(tmp_path: Path) -> None:
    report = report_of(*laid_out(named(), "short", tmp_path, keep="kube-apiserver")[1:])
    [start] = report.starts
    assert start.outcome == "incomplete" and any(check.seen_failing for check in start.checks)


def test_a_choice_of_lines_keeps_the_logs_beside_them(tmp_path: Path) -> None:
    paths = laid_out(named(), "export", tmp_path)
    whole = report_of(*paths)
    for wanted in (
        Selection(units=("rke2-server",)),
        Selection(boot="0"),
        Selection(since="@1"),
        Selection(host="rke-1"),
    ):
        log_records, _ = read_log_records(paths)
        report = analyze_records(select(log_records, wanted), tool_version="0")
        assert len(report.starts) == 1 and report.starts[0].ready == whole.starts[0].ready, wanted


def test_in_a_folder_other_pods_of_the_system_are_left_out(tmp_path: Path) -> None:
    paths = laid_out(named(), "short-iso", tmp_path)
    other = tmp_path / "pods" / "kube-system_coredns-5688_0a1b2c3d-0000-0000-0000-000000000000" / "coredns" / "0.log"
    other.parent.mkdir(parents=True)
    other.write_bytes(b'2025-03-01T06:03:32.400900112Z stdout F time="2025-03-01T06:03:32Z" level=info msg=x\n' * 9)
    report = report_of(tmp_path)
    assert any("log of a pod" in reason for reason in report.ledger.reasons)
    assert report.starts[0].ready == report_of(*paths).starts[0].ready


@pytest.mark.parametrize(
    ("date", "placed"),
    [("Sun Mar  1 09:10:00 UTC 2026\n", True), ("Sun Mar  1 10:10:00 CET 2026\n", False)],
)
def test_kubectl_logs_of_a_bundle_need_a_node_at_utc(date: str, placed: bool, tmp_path: Path) -> None:
    journal = named()
    offset = 0 if placed else 60
    journal = replace(journal, scenario=replace(journal.scenario, utc_offset_min=offset))
    root = "rke-1-2026-03-01_09_10_00/"
    if not placed:  # the journal's own logrus stamps must not say UTC either
        journal = generate(replace(journal.scenario, zone="CET"), 1)
    members = {
        f"{root}journald/rke2-server": journal.render("short"),
        f"{root}systeminfo/date": date.encode(),
        f"{root}systeminfo/hostname": b"rke-1\n",
    }
    for pod in journal.pods:
        members[f"{root}rke2/podlogs/kube-system-{pod.what}-{pod.host}"] = pod.plain()
    members[f"{root}rke2/podlogs/kube-system-coredns-5688"] = b"2025-03-01T06:03:32Z stdout F x\n" * 9
    bundle = tmp_path / "rke-1.tar.gz"
    bundle.write_bytes(tar(members))
    report = report_of(bundle)
    [start] = report.starts
    assert judge(journal.truth, report, "short").wrong == []
    assert any(m.id == "serving_securely" for m in start.milestones) == placed
    assert ("neither year nor zone" in said(report)) != placed


@pytest.mark.parametrize("seed", [101, 455, 647])
def test_an_answer_that_the_next_one_followed_at_once_was_late(seed: int, tmp_path: Path) -> None:
    """The only poll printed took seconds on a starved machine; the success came a moment after it, not at a tick."""
    drawn = made(seed)
    path = tmp_path / "journal.txt"
    path.write_bytes(drawn.render("short-iso-precise"))
    for start, truth in zip(analyzer.analyze(path).report.starts, drawn.truth.starts, strict=True):
        assert truth.ready_us is not None and start.began_at is not None
        ready_s = (truth.ready_us - round(start.began_at.timestamp() * 1e6)) / 1e6
        assert (start.ready.lower or 0.0) < ready_s
        assert start.ready.upper is not None and ready_s <= start.ready.upper + 1e-6


def servers(*begins: float) -> list[Start]:
    """Starts of four seconds each."""
    journal = Journal()
    for number, begin in enumerate(begins):
        journal.pid = 1000 + number
        journal.begin(begin).ticking(begin + 1.0, begin + 4.0)
    return [replace(start, product="rke2", role="server") for start in journal.starts()]


def laid(starts: list[Start], *moments: float, skew_us: int = 0) -> tuple[int, str]:
    """Beside how many starts a log with lines at these moments is laid, and what is said of it."""
    journal = Journal()
    for moment in moments:
        journal.kube(moment, "words")
    of = starts[0]
    placed, sentence = _place(starts, Pod("etcd", "node-a"), list(journal.log_records().records), {
        (of.host, of.boot_id): skew_us
    })  # fmt: skip
    return len(placed), sentence


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        (1, "start of 2026-03-01 06:00:00 UTC"),
        (2, "starts of 2026-03-01 06:00:00 UTC, 2026-03-01 06:01:00 UTC"),
        (3, "starts of 2026-03-01 06:00:00 UTC, 2026-03-01 06:01:00 UTC, 2026-03-01 06:02:00 UTC"),
        (4, "starts of 2026-03-01 06:00:00 UTC, 2026-03-01 06:01:00 UTC, 2026-03-01 06:02:00 UTC and 1 more"),
    ],
)
def test_for_which_starts_a_log_is_evidence(starts: int, told: str) -> None:
    begins = [60.0 * number for number in range(starts)]
    placed, sentence = laid(servers(*begins), *(begin + 2.0 for begin in begins))
    assert placed == starts
    assert sentence == (f"its lines are evidence for the {told} (by the node's wall clock: they have no monotonic one)")


@pytest.mark.parametrize(("moment", "placed"), [(-0.1, 0), (0.0, 1), (3.8, 1), (3.9, 0), (60.0, 1)])
def test_a_line_is_of_a_start_from_its_begin_to_its_last_line(moment: float, placed: int) -> None:
    found, sentence = laid(servers(0.0, 60.0), moment)
    assert found == placed
    assert placed or sentence == "its lines are of the time of no start in the log; left aside"


@pytest.mark.parametrize(("skew_us", "placed"), [(2000, 1), (2001, 0)])
def test_where_the_wall_clock_was_set_no_log_is_laid_beside_a_journal(skew_us: int, placed: int) -> None:
    found, sentence = laid(servers(0.0), 2.0, skew_us=skew_us)
    assert found == placed
    assert placed or "the wall clock was set" in sentence
