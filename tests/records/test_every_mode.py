"""The metamorphic law over journalctl's modes: five journals of our own, each in 27 carriers, give one answer each.

``journalctl-252.tar.xz`` holds what the real journalctl 252 printed of journals that we wrote ourselves: a start that
fails after every quirk of journald (``main``), both ends of summer time (``dst``), a leap day, a New Year, and a board
without a clock of its own (``rpi``); each in every mode, in UTC and in the zone of Berlin.
"""

from __future__ import annotations

import io
import tarfile
from functools import cache

import pytest

from analyzer.analysis import analyze_records
from analyzer.errors import NoDataError
from analyzer.records import LogRecords, read_log_records
from analyzer.results import Report, StartReport
from analyzer.window import Window
from tests.kit.carrier_files import CARRIERS

SCENARIOS = ("main", "dst", "leap", "newyear", "rpi")
FINE = "export.utc.txt"


@cache
def files() -> dict[str, bytes]:
    """All files of the archive by ``SCENARIO/MODE.ZONE.txt``."""
    with tarfile.open(CARRIERS / "journalctl-252.tar.xz") as archive:
        return {item.name: archive.extractfile(item).read() for item in archive}  # type: ignore[union-attr]


def modes(scenario: str) -> list[str]:
    return sorted(name.partition("/")[2] for name in files() if name.startswith(scenario + "/"))


@cache
def log_records(scenario: str, mode: str) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(files()[f"{scenario}/{mode}"]))
    assert not errors
    return found


@cache
def report(scenario: str, mode: str) -> Report | None:
    try:
        return analyze_records(log_records(scenario, mode), tool_version="0")
    except NoDataError:
        return None


def test_the_archive_is_whole() -> None:
    assert {scenario: len(modes(scenario)) for scenario in SCENARIOS} == dict.fromkeys(SCENARIOS, 27)


ALL = [(scenario, mode) for scenario in SCENARIOS for mode in modes(scenario)]
DATED = ("iso", "full", "unit", "unix", "json", "verbose", "export")


def knows_all_clocks(mode: str) -> bool:
    """Whether a mode has the monotonic clock, so that a clock step does not hide a length."""
    return mode.startswith(("export", "json", "verbose", "short-monotonic", "short-delta"))


def moments(start: StartReport) -> dict[str, float]:
    """Milestones in seconds since 1970."""
    assert start.began_at is not None
    zero = start.began_at.timestamp()
    return {m.id: zero + m.at_s for m in start.milestones if m.at_s is not None}


@pytest.mark.parametrize(("scenario", "mode"), ALL)
def test_one_answer_in_every_mode(scenario: str, mode: str) -> None:
    fine, coarse = report(scenario, FINE), report(scenario, mode)
    assert fine is not None
    if coarse is None:
        assert mode == "cat.utc.txt" and scenario not in ("main", "rpi")  # a line of klog alone need not be k3s
        return
    assert len(coarse.starts) == len(fine.starts)
    for one, other in zip(fine.starts, coarse.starts, strict=True):
        assert (other.version, other.product, other.role) == (one.version, one.product, one.role)
        assert other.polls == () and len(other.checks) == len(one.checks)
        if not mode.startswith("cat"):
            assert (other.host, other.pid) == (one.host, one.pid)
            assert (other.outcome, other.end.kind, other.outcome_reason) == (
                one.outcome, one.end.kind, one.outcome_reason
            )  # fmt: skip
            assert [m.id for m in other.milestones] == [m.id for m in one.milestones]
        elif one.outcome == "failed":  # its own fatal line decides; a stop or an exit is told by systemd alone
            assert (other.outcome, other.outcome_reason) == (one.outcome, one.outcome_reason)
        assert_same_times(scenario, mode, one, other)


def assert_same_times(scenario: str, mode: str, one: StartReport, other: StartReport) -> None:
    """Milestones and windows at the same absolute moments, as far as the carrier's stamps go."""
    if other.began_at is None:
        assert scenario in ("leap", "newyear") and not mode.startswith(("json", "verbose", "export"))
        return
    if scenario == "rpi" and not knows_all_clocks(mode):
        assert other.clock.steps >= one.clock.steps or mode.startswith("cat")
        return
    slack = 0.02 if knows_all_clocks(mode) else 1e-3  # boot seconds are pinned by other stamps
    true = moments(one)
    for name, at in moments(other).items():
        late = true[name] - at
        assert -slack <= late <= other.clock.precision_s + slack, (name, late)
    assert_meet(one, other)


def assert_meet(one: StartReport, other: StartReport) -> None:
    for a, b in ((one.ready, other.ready), (one.detected, other.detected)):
        assert one.began_at is not None and other.began_at is not None
        x, y = a.shifted(one.began_at.timestamp()), b.shifted(other.began_at.timestamp())
        assert have_a_moment_in_common(x, y), (x, y)
    for mine in one.checks:
        [theirs] = [c for c in other.checks if c.name == mine.name]
        assert (theirs.final, theirs.seen_failing, theirs.reasons) == (mine.final, mine.seen_failing, mine.reasons)


def have_a_moment_in_common(a: Window, b: Window) -> bool:
    lows = [w.lower for w in (a, b) if w.lower is not None]
    highs = [w.upper for w in (a, b) if w.upper is not None]
    return not lows or not highs or max(lows) <= min(highs) + 0.02


@pytest.mark.parametrize(("scenario", "mode"), [pair for pair in ALL if "cat" not in pair[1] and pair[0] != "main"])
def test_every_line_at_its_time(scenario: str, mode: str) -> None:
    """Line for line: the same messages, and the same distances between them up to the precision."""
    fine, coarse = log_records(scenario, FINE).records, log_records(scenario, mode).records
    assert [r.message for r in coarse] == [r.message for r in fine]
    if scenario == "rpi" and not knows_all_clocks(mode):
        return  # across a clock step text cannot tell
    for a, b in zip(fine, coarse, strict=True):
        if a.ident == "kernel":
            continue  # short-monotonic prints the kernel's own clock
        assert a.at is not None and b.at is not None
        first = (fine[0].at, coarse[0].at)
        assert first[0] is not None and first[1] is not None
        shift = 0 if b.absolute else first[0].us - first[1].us
        slack = 1_000_000 if not b.absolute or "mono" in mode or "delta" in mode else 0
        late = a.at.us - b.at.us - shift
        assert -slack <= late < b.at.precision_us + slack + 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_dated_modes_give_a_date(scenario: str) -> None:
    """A date with UTC or a numeric zone is a date; letters such as CET are left open where nothing else tells."""
    for mode in modes(scenario):
        found = report(scenario, mode)
        if found is None or not any(part in mode for part in DATED):
            continue
        lettered = mode.startswith(("short-full.berlin", "with-unit.berlin")) and scenario in ("leap", "newyear")
        assert all((start.began_at is None) is lettered for start in found.starts), mode


# ------------------------------------------------------------------ containers, CI, shippers: one line in each carrier

OTHER = sorted(path.name for path in (CARRIERS / "other").iterdir())
WITHOUT_BANNER = ("cloud-init-output.log", "kubectl-logs-timestamps.txt", "syslog-openrc-busybox-messages.txt")
WITHOUT_DATE = ("docker-logs-tty.txt", "logrus-tty.txt", "cloud-init-output.log", "syslog-openrc-busybox-messages.txt")


@pytest.mark.parametrize("name", OTHER)
def test_one_answer_in_every_other_carrier(name: str) -> None:
    """The banner of one process, 06:03:32.4 UTC, in 27 carriers that hold different parts of its log."""
    found, errors = read_log_records([CARRIERS / "other" / name])
    assert not errors and found.ledger.malformed == 0
    [start] = analyze_records(found, tool_version="0").starts
    assert (start.version == "v1.32.1+k3s1") is (name not in WITHOUT_BANNER)
    assert (start.began_at is None) is (name in WITHOUT_DATE)
    banner = next((m for m in start.milestones if m.id == "starting"), None)
    if banner is not None and start.began_at is not None:
        at = start.began_at.timestamp() + (banner.at_s or 0.0)
        printed = name in ("cri.log", "kubectl-logs-prefix.txt")  # there the runtime stamped its lines later
        assert 1740809012 <= at <= 1740809012.5 or (printed and at < 1740809017)
    assert start.host in (None, "node-1", "fv-az1234-567", "k3s-server-0", "alpine")
    assert start.pid in (None, 1193)
    block = "poststarthook/rbac/bootstrap-roles"
    if any("bootstrap-roles failed" in r.message for r in found.records):
        assert [c.final for c in start.checks if c.name == block] == ["failing"]
        assert start.ready.lower is not None and start.ready.upper is None
