"""Several processes that write at once into a text which names neither host nor process: two machines put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.startup_order import BANNER
from analyzer.timebase import SECOND

CONTAINERS_PIDS = 100  # the numbers that processes have in a container are small, and the same in each run
_RETURNS = 3  # so often lines of one come behind another's …
_LASTING_US = 5 * SECOND  # … over so long: the last words of a process come late by less


def mixed_up(records: Iterable[LogRecord]) -> frozenset[str | None]:
    """Hosts whose lines name no process, and of which klog's headers show that several write by turns.

    Whose a line without such a header is nobody can tell then. RKE2's kubelet writes beside it, as its child.
    """
    last: dict[str | None, int] = {}
    returns: dict[str | None, list[int]] = defaultdict(list)
    met: dict[str | None, set[int]] = defaultdict(set)
    for record in records:
        if record.message.startswith("Starting rke2 ") and BANNER.match(record.message):
            return frozenset()
        number = record.klog_pid
        if record.payload is not Payload.KLOG or record.pid is not None or number is None or record.foreign:
            continue
        if number <= CONTAINERS_PIDS:
            continue
        if last.get(record.host, number) != number and number in met[record.host]:
            returns[record.host] += [record.at.us] if record.at is not None else []
        met[record.host].add(number)
        last[record.host] = number
    return frozenset(host for host, at in returns.items() if len(at) >= _RETURNS and max(at) - min(at) >= _LASTING_US)
