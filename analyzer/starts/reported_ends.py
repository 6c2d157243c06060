"""What others say about the end of a start: the kernel, systemd's helpers, SELinux, docker.

Their lines are of other programs and stand in no start. They count only where they name this unit's own process, by
its number or name, and where the process does not go on after them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from analyzer.events import catalogue
from analyzer.events.event import Mark
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.last_activity import LastActivity, lasting
from analyzer.starts.start import Start

KILLS = ("oom_killed", "oomd_killed")
_IDS = frozenset({*KILLS, "exec_failed", "access_denied", "container_exited", "shell_told"})
_WORDS = (
    "ill process ", "illed process ", "reaped process ", "oom-kill:", "Killed /", "Killing /", "Failed at step ",
    "locate executable ", "Failed to execute ", " denied", "SELinux is preventing ", "DENIED", " exited with code ",
    " exited (", "illed", "egmentation fault", "borted", "us error", "llegal instruction", "loating point exception",
)  # fmt: skip
_MAIN = re.compile(r"^\(?(?:k3s|rke2)(?:-server|-agent)?(?:\.exe)?\)?$")
_COMM = re.compile(r'\bcomm="([^"]{1,40})"')
_FILE = re.compile(
    r'(?:\b(?:name|path)="(?:[^"]{0,200}/)?|access on the \w{1,20} (?:\S{0,200}/)?)(?:k3s|rke2)(?="|\.?(?:\s|$))'
)
_UNIT = re.compile(r"^([\w@.\\-]+)\.service: ")
_CGROUP = re.compile(r"\btask_memcg=([^,\s]{0,300})")
_CONTAINERS = re.compile(r"kubepods|/docker/|cri-containerd|libpod")
_ROLES = re.compile(r"k3s|rke2|server|agent|master|worker|node")
# Lines that were written before its end may reach the journal later.
_LATE_US = 5_000_000


def announcements(records: Iterable[LogRecord]) -> list[Mark]:
    """All announcements of ends in a log, in order, whoever they are about."""
    theirs = (record for record in records if record.payload in (Payload.KERNEL, Payload.PLAIN))
    telling = (record for record in theirs if any(words in record.message for words in _WORDS))
    return [mark for record in telling for mark in catalogue.match(record) if mark.id in _IDS]


def announced(told: Sequence[Mark], start: Start) -> list[Mark]:
    """Those of the announcements that are about this start."""
    if not told or not start.records:
        return []
    after = start.followed_by.records[0].seq if start.followed_by is not None else None
    first = bisect_left(told, start.records[0].seq, key=lambda mark: mark.record.seq)
    last = bisect_left(told, after, key=lambda mark: mark.record.seq) if after is not None else len(told)
    about = [mark for mark in told[first:last] if _is_about(mark, start)]
    if not about:
        return []
    lasted = lasting(start)
    return [mark for mark in about if mark.id == "access_denied" or not _went_on(mark, lasted)]


def _is_about(mark: Mark, start: Start) -> bool:
    record, groups = mark.record, mark.groups
    if mark.id == "shell_told":  # the terminal's own line below those of the program that ran in it
        return record.ident is None and record.at is None and any(one is record for one in start.records[-3:])
    if mark.id == "container_exited":
        return _is_its_container(groups.get("name") or groups.get("other") or "", mark, start)
    if start.host is not None and record.host is not None and start.host != record.host:
        return False
    match mark.id:
        case "oom_killed":
            return is_main(mark, start)
        case "oomd_killed":
            return _same_unit(groups["unit"].removesuffix(".service"), start)
        case "exec_failed":
            hit = _UNIT.match(record.message)
            named = hit[1] if hit is not None else groups.get("file", "").strip("'").rpartition("/")[2]
            return _same_unit(named, start)
        case _:
            comm = _COMM.search(record.message)
            ours = comm is not None and _MAIN.match(comm[1]) is not None
            return ours or _FILE.search(record.message) is not None


def is_main(mark: Mark, start: Start) -> bool:
    """Whether the process that the kernel killed is the one of this start; a container's is not."""
    groups = mark.groups
    name = groups.get("comm") or groups.get("task") or ""
    if _MAIN.match(name) is None or not (start.product == "unknown" or start.product in name):
        return False
    number = groups.get("pid") or groups.get("task_pid")
    if start.pid is not None and start.pid > 1 and number is not None:
        return number == str(start.pid)
    cgroup = _CGROUP.search(mark.record.message)
    return cgroup is None or _CONTAINERS.search(cgroup[1]) is None


def _same_unit(name: str, start: Start) -> bool:
    """Whether a unit's (or a program's) name is that of a start; of an unknown unit, its product's."""
    if start.unit is not None and name.startswith(("k3s", "rke2")):
        unit = start.unit.removesuffix(".service")
        return name == unit or name == start.product
    return name.startswith(start.product if start.product != "unknown" else ("k3s", "rke2"))


def _is_its_container(name: str, mark: Mark, start: Start) -> bool:
    """Whether a container's name is that of the start's: it stands before its lines, or nothing else was shown."""
    if start.host is not None and name:
        return name == start.host or name.endswith((f"-{start.host}", f"_{start.host}"))
    if start.host is None and mark.record.seq <= start.records[-1].seq:
        return _ROLES.search(name) is not None
    return "k3s" in name or "rke2" in name


def _went_on(mark: Mark, lasted: LastActivity) -> bool:
    """Whether a process of the start wrote when it would long have been over."""
    undated = mark.record.stamp is None and lasted.last_seq > mark.record.seq
    return undated or lasted.outlives(mark.record, _LATE_US)
