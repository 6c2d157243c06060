"""Colours and shapes, one place for the library figures and the page.

Hues are from the set of Okabe and Ito, which people with the common colour deficiencies tell apart; every meaning has
a second code besides its hue: bars differ in height and hatching, polls in the shape of their marker, printed ones are
filled and implied ones hollow.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final[dict[str, str]] = {
    "paper": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#1b1f24",
    "muted": "#505a66",
    "line": "#c9d0d8",
    "grid": "#e3e7ec",
    "link": "#0b5cad",
    "focus": "#0b5cad",
    "failing": "#c44e00",
    "uncertain": "#a86800",
    "uncertain-fill": "#fbe6bd",
    "ok": "#00795a",
    "unseen": "#7c8794",
    "phase-a": "#b9d3ea",
    "phase-b": "#dfeaf4",
    "phase-ink": "#16324a",
    "gap": "#6b5b95",
    "transient": "#0064a6",
    "suspect": "#9a5b00",
    "fatal": "#b3261e",
    "success": "#00795a",
    "milestone": "#3b4652",
    "hue-1": "#0064a6",
    "hue-2": "#b3502b",
    "hue-3": "#a34d80",
    "hue-4": "#3f6b00",
    "hue-5": "#7a5a00",
    "hue-6": "#2f7f9e",
}

DARK: Final[dict[str, str]] = {
    "paper": "#14181d",
    "panel": "#1d232a",
    "ink": "#e8ecf1",
    "muted": "#a9b4c0",
    "line": "#3c4651",
    "grid": "#2a323b",
    "link": "#7cc0ff",
    "focus": "#7cc0ff",
    "failing": "#ff8a3d",
    "uncertain": "#f0b93a",
    "uncertain-fill": "#4a3a12",
    "ok": "#35c99a",
    "unseen": "#8996a3",
    "phase-a": "#2e5273",
    "phase-b": "#22394e",
    "phase-ink": "#e2effb",
    "gap": "#b7a6e3",
    "transient": "#66b8f2",
    "suspect": "#f0b93a",
    "fatal": "#ff8f87",
    "success": "#35c99a",
    "milestone": "#cfd8e1",
    "hue-1": "#66b8f2",
    "hue-2": "#ff9a66",
    "hue-3": "#e59bc6",
    "hue-4": "#a9d45c",
    "hue-5": "#e6c34a",
    "hue-6": "#7fd3ee",
}

# error class → (plotly marker symbol, colour name). Shapes are unique; hues repeat.
ERROR_MARKS: Final[dict[str, tuple[str, str]]] = {
    "connection_refused": ("square", "hue-1"),
    "service_unavailable": ("diamond", "hue-6"),
    "forbidden": ("triangle-up", "hue-3"),
    "readyz_failing": ("circle", "hue-2"),
    "not_ready_text": ("pentagon", "hue-4"),
    "eof": ("triangle-down", "hue-5"),
    "connection_reset": ("triangle-left", "hue-1"),
    "too_many_requests": ("triangle-right", "hue-6"),
    "context_canceled": ("bowtie", "hue-3"),
    "client_rate_limited": ("hourglass", "hue-4"),
    "server_error": ("hexagon", "suspect"),
    "io_timeout": ("octagon", "suspect"),
    "no_route": ("diamond-tall", "suspect"),
    "tls_timeout": ("diamond-wide", "suspect"),
    "deadline_exceeded": ("hexagon2", "suspect"),
    "gateway_timeout": ("star-square", "suspect"),
    "other": ("star-diamond", "suspect"),
    "unauthorized": ("x", "fatal"),
    "not_found": ("cross", "fatal"),
    "bad_listener": ("star-triangle-down", "fatal"),
    "x509_unknown_authority": ("hexagram", "fatal"),
    "x509_time": ("star-triangle-up", "fatal"),
    "x509_name": ("square-x", "fatal"),
}
SUCCESS_MARK: Final = ("star", "success")

# What an error class is called on a chart. The ids are the contract's; unknown ids show as they are.
ERROR_WORDS: Final[dict[str, str]] = {
    "connection_refused": "connection refused",
    "service_unavailable": "503 not serving yet",
    "forbidden": "403 not allowed yet",
    "readyz_failing": "500 checks failing",
    "not_ready_text": "500 not ready",
    "eof": "connection closed (EOF)",
    "connection_reset": "connection reset",
    "too_many_requests": "429 too many requests",
    "context_canceled": "poll cancelled",
    "client_rate_limited": "client rate limit",
    "server_error": "500 server error",
    "io_timeout": "i/o timeout",
    "no_route": "no route to host",
    "tls_timeout": "TLS timeout",
    "deadline_exceeded": "deadline exceeded",
    "gateway_timeout": "504 gateway timeout",
    "other": "other error",
    "unauthorized": "401 unauthorized",
    "not_found": "404 not found",
    "bad_listener": "wrong listener",
    "x509_unknown_authority": "unknown authority",
    "x509_time": "certificate time",
    "x509_name": "certificate name",
}

PHASE_WORDS: Final[dict[str, str]] = {
    "boot": "machine boot",
    "extract": "unpacking",
    "server": "server's answer",
    "datastore": "datastore",
    "certificates": "certificates",
    "apiserver_boot": "API server boot",
    "hooks": "checks and hooks",
    "polling_tax": "until noticed",
    "startup_hooks": "start-up hooks",
    "containerd": "container runtime",
    "images": "images",
    "node": "node registered",
    "node_ready": "node ready",
}


def error_mark(error: str | None) -> tuple[str, str]:
    """Marker symbol and colour name of an error class; ``None`` is the successful answer."""
    if error is None:
        return SUCCESS_MARK
    return ERROR_MARKS.get(error, ERROR_MARKS["other"])


def error_words(error: str | None) -> str:
    """What an error class is called on a chart."""
    if error is None:
        return "answered OK"
    return ERROR_WORDS.get(error, error)


def phase_words(phase: str) -> str:
    """What a phase is called on a chart."""
    return " / ".join(PHASE_WORDS.get(part, part.replace("_", " ")) for part in phase.split("+"))
