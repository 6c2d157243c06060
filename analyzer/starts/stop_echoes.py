"""Lines at fatal level that are only the echo of a stop: nothing failed of itself."""

from __future__ import annotations

import re
from bisect import bisect_left

from analyzer.events.catalogue import causes_in
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.readiness import CLOSING
from analyzer.starts.start import Start
from analyzer.starts.truncated_lines import TELLING, begins, readable

# lasso's wait for its caches ends without them only when its context does (controller.go Start).
# Nothing fails of this by itself: somebody asked the process to end, or another component failed and says why.
# ``controllers exited`` and ``server stopped`` are what releases up to 1.22 say at fatal level when they are stopped;
# a scheduler without leader election ends so when it is told to.
_CANCELLED = re.compile(
    r"context canceled\W*$|http: Server closed\W*$|^(?:Error: )?controllers exited\W*$|"
    r"cache sync failed for informer \w+\W*$|"
    r"^(?:Shutdown request received: )?\W?[\w-]+ exited: finished without leader elect\W*$"
)
_CANCELLED_WORDS = ("context canceled", "http: Server closed")
# Releases up to 1.29 call a cancelled wait a timed-out one; the real time limit is 15 minutes.
_TIMED_OUT_WAIT = re.compile(
    r"ailed to wait for (?P<what>RBAC|API server to become ready|apiserver ready)\b.{0,200}?: "
    r"timed out waiting for the condition"
)
_WAITS = (
    "Tunnel watches failed to wait for ", "Kubelet failed to wait for ", "Failed to wait for RBAC",
    "failed to wait for RBAC", "Failed to wait for API server to become ready",
    "failed to wait for API server to become ready",
)  # fmt: skip
# k3s asks for these without an end (pkg/agent/config): only a cancelled process gives up, with its last answer.
_ENDLESS = ("failed to retrieve agent configuration: ", "failed to retrieve kube-proxy configuration: ")
_WAIT_LIMIT_US = 890 * 1_000_000
_NEAR = 12


def is_echo(start: Start, record: LogRecord, text: str) -> bool:
    """Whether a line at fatal level only says that somebody ended the process.

    Of a cut line only its beginning is known: a wait that ended before its own limit was cancelled.
    """
    bare = text.removeprefix("Error: ").removeprefix("Shutdown request received: ").lstrip('"')
    if _CANCELLED.search(text) or bare.startswith(_ENDLESS):
        return True
    timed_out = _TIMED_OUT_WAIT.search(text)
    if start.is_cut(record):
        torn = (words[:length] for words in _CANCELLED_WORDS for length in range(11, len(words)))
        if any(map(text.endswith, torn)) or any(begins(bare, head, least=20) for head in _ENDLESS):
            return True
        return any(begins(bare, wait) for wait in _WAITS) and not _after_its_limit(start, record)
    if timed_out is None or _after_its_limit(start, record):
        return False
    # Without its begin nobody knows for how long it waited; for RBAC only a cancelled server ever waits in vain.
    return start.begin_seen or timed_out["what"] == "RBAC"


def _after_its_limit(start: Start, record: LogRecord) -> bool:
    begun = next((r.stamp for r in start.process if r.stamp is not None), None)
    return begun is not None and record.stamp is not None and record.stamp.us - begun.us >= _WAIT_LIMIT_US


def is_unreadable(start: Start, record: LogRecord, text: str) -> bool:
    """Whether so much of a line at fatal level was cut away that it may be the echo of a stop as well.

    Of a few characters that is always so, of a sentence where the lines right before it are those of a stop.
    """
    if record.payload is not Payload.LOGRUS or not start.is_cut(record):
        return False
    shown = readable(text)
    if len(shown) < TELLING:
        return True
    at = bisect_left(start.process, record.seq, key=lambda r: r.seq)
    before = (r.message for r in start.process[max(0, at - _NEAR) : at])
    stopping = any(CLOSING.search(message) or _CANCELLED.search(message) for message in before)
    return stopping and not causes_in(shown)
