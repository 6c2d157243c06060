"""Windows, lengths and the vocabulary of a start in words: what every report for people says the same way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from analyzer.results import Phase, StartReport
from analyzer.window import Span, Window

# What a poll's error class says about the server, short enough for a table.
ERROR_MEANING = {
    "connection_refused": "nothing listens on the port yet",
    "eof": "the connection closed without an answer",
    "connection_reset": "the connection was reset",
    "service_unavailable": "k3s is up, its API server is not yet",
    "readyz_failing": "the API server is up, some checks fail",
    "not_ready_text": "the API server is up, but not ready",
    "server_error": "an internal error of the API server",
    "io_timeout": "the connection timed out",
    "no_route": "the network does not lead there",
    "tls_timeout": "the TLS handshake timed out",
    "deadline_exceeded": "no answer within the request's limit",
    "unauthorized": "401: the certificate or token is not accepted",
    "forbidden": "403: roles are not loaded yet",
    "not_found": "404: something else answers on this port",
    "bad_listener": "another program answers on this port",
    "too_many_requests": "429: the API server is overloaded",
    "gateway_timeout": "504: the answer took too long",
    "x509_unknown_authority": "the certificate is of another authority",
    "x509_time": "the certificate's dates do not fit the clock",
    "x509_name": "the certificate is for another name",
    "context_canceled": "k3s was stopping",
    "client_rate_limited": "the client held its own request back",
    "other": "not known to this program",
}

# A phase is named for its end: what the start waited for.
PHASE_MEANING = {
    "boot": "until systemd starts the unit",
    "extract": "until k3s itself runs",
    "server": "until a server gives it its configuration",
    "datastore": "until the datastore answers",
    "certificates": "until the API server is launched",
    "apiserver_boot": "until the API server serves",
    "hooks": "until all checks pass (ready)",
    "polling_tax": "until {noticer} notices",
    "startup_hooks": "until k3s says that it is up",
    "containerd": "until the container runtime answers",
    "images": "until its images are imported",
    "node": "until the node is registered",
    "node_ready": "until the node is ready",
}
_LABEL_LIMIT = 16

# What a goal of a start is (``StartReport.goals``).
GOAL_MEANING = {
    "api": "the API server is ready",
    "server": "the server it asked is ready",
    "images": "its images are imported",
    "node": "the node is registered",
    "node_ready": "the node is ready",
    "started": "k3s is up and running",
}

# Who noticed readiness (``StartReport.observer``): in a log k3s itself, in saved polls the wait that made them.
NOTICER = {"k3s": "k3s", "wait": "this wait"}

OUTCOME_GLYPH = {"ready": "✓", "failed": "✗", "stopped": "■", "incomplete": "?"}

GAP_MEANING = {
    "silent": "no line at all",
    "lost": "lines were lost",
    "boot": "the machine booted",
    "clock_step": "the clock was set",
}


def phase_meaning(phase: str, noticer: str = "k3s") -> str:
    """What a phase waited for; of one that no line divides, that it may be any of several."""
    ids = phase.split("+")
    if len(ids) == 1:
        return PHASE_MEANING.get(phase, "").format(noticer=noticer)
    return f"{', '.join(ids[:-1])} or {ids[-1]}: no line divides them"


def phase_label(phase: str) -> str:
    """A phase's id for a table, the first of several alone where all are too long."""
    return phase if len(phase) <= _LABEL_LIMIT else f"{phase.split('+')[0]}+…"


def until_noticed(phases: Sequence[Phase]) -> list[Phase]:
    """The phases up to the moment at which readiness was noticed; all, where none of them ends there."""
    for position, phase in enumerate(phases):
        if phase.id == "polling_tax":
            return list(phases[: position + 1])
    return list(phases)


def _floor(value: float, places: int) -> str:
    scale = 10**places
    return _fixed(math.floor(value * scale + 1e-9) / scale, places)


def _ceil(value: float, places: int) -> str:
    scale = 10**places
    return _fixed(math.ceil(value * scale - 1e-9) / scale, places)


def _fixed(value: float, places: int) -> str:
    return f"{value + 0.0:.{places}f}"


def _places(width: float | None) -> int:
    """Decimals that show a window of this width without making it much wider."""
    if width is None or width >= 0.15:
        return 1
    return 2 if width >= 0.0095 else 3


def number_range(lower: float | None, upper: float | None, *, dash: str = "–") -> str:
    """``12.0–14.1``, ``> 12.0``, ``≤ 14.1`` or ``?``: rounded outwards, never narrower than the numbers."""
    if lower is None and upper is None:
        return "?"
    if lower is None and upper is not None:
        return f"≤ {_ceil(upper, 1)}"
    if lower is not None and upper is None:
        return f"> {_floor(lower, 1)}"
    assert lower is not None and upper is not None
    places = _places(upper - lower)
    low, high = _floor(lower, places), _ceil(upper, places)
    return low if low == high else f"{low}{dash}{high}"


def window_range(window: Window) -> str:
    """A window for a table cell, in seconds."""
    return number_range(window.lower, window.upper)


def window_words(window: Window) -> str:
    """A window for a sentence: ``between 12.0 and 14.1 s``, ``after 12.0 s``, ``by 14.1 s``."""
    lower, upper = window.lower, window.upper
    if lower is None and upper is None:
        return "at an unknown moment"
    if lower is None and upper is not None:
        return f"by {_ceil(upper, 1)} s"
    if upper is None and lower is not None:
        return f"after {_floor(lower, 1)} s"
    assert lower is not None and upper is not None
    places = _places(upper - lower)
    low, high = _floor(lower, places), _ceil(upper, places)
    return f"at {low} s" if low == high else f"between {low} and {high} s"


def span_range(span: Span | None) -> str:
    """A length for a table cell: ``2.0–6.0``, ``0``, ``≥ 2.0`` or ``?``."""
    if span is None:
        return "?"
    if span.max is None:
        return f"≥ {_floor(span.min, 1)}" if span.min > 0 else "?"
    if span.max <= 0:
        return "0"
    places = _places(span.max - span.min)
    if float(_floor(span.min, places)) <= 0:
        return f"≤ {_ceil(span.max, places)}"
    return number_range(span.min, span.max)


def span_words(span: Span | None) -> str:
    """A length for a sentence: ``2.0 to 6.0 s``, ``up to 6.0 s``, ``at least 2.0 s``."""
    if span is None:
        return "an unknown time"
    if span.max is None:
        return f"at least {_floor(span.min, 1)} s"
    places = _places(span.max - span.min)
    low, high = _floor(span.min, places), _ceil(span.max, places)
    if low == high:
        return f"{high} s"
    return f"up to {high} s" if float(low) <= 0 else f"{low} to {high} s"


def later_words(span: Span | None) -> str:
    """``, 1.2 to 1.7 s later`` for after a moment; empty where nothing is known of the length."""
    if span is None or (span.max is None and span.min < 0.05):
        return ""
    return f", {span_words(span)} later"


def ceil_seconds(value: float) -> str:
    """An upper limit for a sentence, rounded up: ``0.13 s``."""
    return f"{_ceil(value, _places(value))} s"


def about(seconds: float) -> str:
    """A stamped moment or a length for a sentence, ``3.9 s``, ``6 min 40 s``, ``1 h 05 min``."""
    if seconds < 120:
        return f"{seconds + 0.0:.1f} s"
    whole = round(seconds)
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def clock_time(moment: datetime, precision_s: float, *, utc: bool = False) -> str:
    """Date and time as far as the stamps go, without the offset, which a report names once."""
    shown = moment.astimezone(UTC) if utc else moment
    text = shown.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{shown.microsecond // 1000:03d}" if precision_s < 1 and shown.microsecond else text


def offset(moment: datetime, *, utc: bool = False) -> str:
    """``UTC+01:00``, or ``UTC``."""
    delta = timedelta() if utc else moment.utcoffset() or timedelta()
    minutes = round(delta.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def precision_words(seconds: float) -> str:
    """``1 s``, ``1 ms``, ``1 µs``, ``60 s``."""
    if seconds >= 1:
        return f"{seconds:g} s"
    return f"{seconds * 1e3:g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:g} µs"


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 start``, ``2 starts``, ``0 matches``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def what(start: StartReport) -> str:
    """``k3s server v1.33.4+k3s1``, as far as the text says."""
    product = "k3s or RKE2" if start.product == "unknown" else {"rke2": "RKE2"}.get(start.product, start.product)
    role = "" if start.role == "unknown" else start.role
    return " ".join(w for w in (product, role, start.version or "") if w)
