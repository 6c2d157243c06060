"""Lines that are missing without a notice: what a server of k3s always says, in pairs or one before the other.

A text of which lines were lost at random looks like a whole one. But some lines never come alone: who says that caches
are synced said before that it waits for them, and a server that serves said before that it asks for its API server.
"""

from __future__ import annotations

import re
from itertools import pairwise

from analyzer.records.log_record import Payload
from analyzer.starts.start import Start

_CACHES = re.compile(
    r'^"?(?P<what>Waiting for caches to sync|Caches are synced)'
    r'(?: for (?P<old>.{1,200})|" controller="(?P<new>[^"]{1,200}))'
)
_A_LOG = 20  # lines of klog; an API server that starts prints more than a hundred
# Each of them is printed by every server of k3s that prints one that stands behind it.
_ONE_AFTER_THE_OTHER = ("apiserver_requested", "apiserver_version", "serving_securely")


def lines_are_missing(start: Start) -> bool:
    """Whether lines of a whole start of a k3s server are missing although nothing says so."""
    if not (start.begin_seen or _from_early_on(start)) or start.product != "k3s" or start.role != "server":
        return False
    if sum(record.payload is Payload.KLOG for record in start.process) < _A_LOG:
        return False  # its components write elsewhere, it never got so far, or a few lines were pasted
    return _step_left_out(start) or _half_of_a_pair(start)


def _from_early_on(start: Start) -> bool:
    """Whether a text that begins in the middle has a line of before the launch of the API server."""
    early = start.first("datastore_configured", "datastore_ready", "certificates")
    first = next(
        (record for record in start.process if record.payload is Payload.KLOG and "aches " in record.message), None
    )
    return early is not None and first is not None and early.record.seq < first.seq


def _step_left_out(start: Start) -> bool:
    seen = [start.first(mark) is not None for mark in _ONE_AFTER_THE_OTHER]
    # Without the first two it is a server without an API server of its own.
    return any(seen[:2]) and any(after and not before for before, after in pairwise(seen))


def _half_of_a_pair(start: Start) -> bool:
    waited: set[str] = set()
    alone = 0
    for record in start.process:
        told = record.payload is Payload.KLOG and "aches " in record.message[:20]
        found = _CACHES.match(record.message) if told else None
        if found is None:
            continue
        name = found["old"] or found["new"]
        if found["what"].startswith("Waiting"):
            waited.add(name)
        elif name not in waited:
            alone += 1
    return alone > 0 and bool(waited)
