"""The machine's own time before the unit: shown where the text has the boot, and of its first start only."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analyzer.results import StartReport
from tests.kit.handmade import RBAC, Journal

KERNEL = "Linux version 6.8.0-31-generic (builder@host) #1 SMP PREEMPT_DYNAMIC"
ONLINE = "Reached target network-online.target - Network is Online."
UP = "Startup finished in 2.104s (kernel) + 61.402s (userspace) = 63.506s."


def of_systemd(journal: Journal, at: float, text: str) -> Journal:
    return journal._row(at, "systemd", 1, text, 0.0, UNIT="init.scope")


def boot(journal: Journal, at: float = -60.0) -> Journal:
    journal._row(at, "kernel", 0, KERNEL, 0.0)
    of_systemd(journal, at + 3, "systemd 255.4-1 running in system mode (+PAM +AUDIT)")
    of_systemd(journal, -2.0, ONLINE)
    return of_systemd(journal, -0.5, "Finished cloud-init.service - Cloud-init: Config Stage.")


def started(journal: Journal, at: float = 0.0) -> Journal:
    journal.begin(at).ticking(at + 1.0, at + 13.0).serving(at + 5.0).poll(at + 4.01).listed(at + 6.01, RBAC)
    return journal.running(at + 12.0)


def reports(journal: Journal, data: bytes | None = None) -> list[StartReport]:
    from analyzer.analysis import analyze_records

    return list(analyze_records(journal.log_records(data), tool_version="0").starts)


def short(journal: Journal) -> bytes:
    return journal.short().replace(b"kernel[0]:", b"kernel:")


def ids(report: StartReport) -> list[str]:
    return [phase.id for phase in report.phases]


@pytest.mark.parametrize("carrier", ["export", "short"])
def test_the_boot_stands_before_the_start_and_ends_where_it_begins(carrier: str) -> None:
    journal = started(boot(Journal()))
    [report] = reports(journal, short(journal) if carrier == "short" else None)
    phase = report.phases[0]
    assert phase.id == "boot" and phase.begin.lower is None
    assert phase.begin.upper == pytest.approx(-60.0, abs=1.1)
    assert phase.duration_s.min == pytest.approx(60.0, abs=1.1) and phase.duration_s.max is None
    assert all(before.end == after.begin for before, after in pairwise(report.phases))
    assert [step.id for step in report.before] == ["kernel", "systemd", "network_online", "ordered_after"]
    assert "cloud-init" in report.before[-1].text
    assert all(step.at_s is not None and step.at_s <= 0.0 for step in report.before)
    assert all(stone.at_s is None or stone.at_s >= 0.0 for stone in report.milestones)
    # Without it the phases add up as ever.
    most = sum(p.duration_s.max or 0.0 for p in report.phases[1:])
    assert report.detected.upper is not None
    assert sum(p.duration_s.min for p in report.phases[1:]) <= report.detected.upper <= most + 1e-6


def test_a_start_after_the_machine_was_up_did_not_wait_for_its_boot() -> None:
    [report] = reports(started(of_systemd(boot(Journal()), -0.2, UP)))
    assert "boot" not in ids(report) and report.before == ()


def test_only_the_first_start_of_a_boot_has_it() -> None:
    journal = started(boot(Journal()))
    journal.systemd(20.0, "Stopping k3s.service - Lightweight Kubernetes...")
    journal.systemd(21.0, "Stopped k3s.service - Lightweight Kubernetes.")
    journal.pid = 2000
    started(journal, 30.0)
    first, second = reports(journal)
    assert ids(first)[0] == "boot" and "boot" not in ids(second)


def test_without_the_kernels_first_line_nothing_is_said() -> None:
    journal = boot(Journal())
    journal.rows = [row for row in journal.rows if row["SYSLOG_IDENTIFIER"] != "kernel"]
    assert "boot" not in ids(reports(started(journal))[0])


def test_a_long_boot_is_believed_to_a_monotonic_clock_alone() -> None:
    """A machine without a clock of its own sets it during its boot, by hours or days, and nobody may say so."""
    journal = started(boot(Journal(), -7200.0))
    assert "boot" not in ids(reports(journal, short(journal))[0])


def test_another_host_has_a_boot_of_its_own() -> None:
    journal = boot(Journal())
    for row in journal.rows:
        row["_HOSTNAME"], row["_BOOT_ID"] = "node-b", "c" * 32
    assert all("boot" not in ids(report) for report in reports(started(journal)))


@pytest.mark.parametrize("carrier", ["export", "short"])
def test_the_fast_scan_keeps_what_a_boot_needs(carrier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.sources import scan

    monkeypatch.setattr(scan, "BIG", 1 << 10)
    monkeypatch.setattr(scan, "FIRST_LINES", 5)

    def noisy(journal: Journal, first: float, last: float) -> Journal:
        for index in range(3000):
            journal.other(first + index * (last - first) / 3000, "noise", f"nothing of interest {index} " + "x" * 120)
        return journal

    def read(journal: Journal) -> StartReport:
        [report] = reports(journal, short(journal) if carrier == "short" else None)
        return report

    slow = read(started(noisy(noisy(boot(Journal()), -400.0, -61.0), -59.0, -3.0)))
    assert ids(slow)[0] == "boot"
    assert slow.phases[0].begin.upper == pytest.approx(-60.0, abs=1.1)
    late = noisy(of_systemd(noisy(boot(Journal()), -59.0, -40.0), -39.0, UP), -38.0, -3.0)
    assert "boot" not in ids(read(started(late)))
