"""What the answer to ``GET /readyz?verbose`` means: one class of the contract's table.

The list is read strictly, as the API server writes it, one check a line. (Logs carry it escaped, wrapped and cut in
every way; that is ``events.readyz``, which takes longer to load than all else that a wait does before it asks.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.errors import printable
from analyzer.live.observed_polls import Answer

#: Longest text kept of an answer or an error.
TEXT_LIMIT = 300
_LINE = re.compile(
    r"^\[(?:\+\](?P<ok>\S{1,200}) ok|-\](?P<failing>\S{1,200}) failed\b.*|\+\]\S{1,200} excluded\b.*)\r?$"
)
_TRAILERS = ("readyz check failed", "readyz check passed")


@dataclass(frozen=True, slots=True)
class CheckList:
    """The checks of one answer. ``cut``: the trailer is missing, or a line could not be read."""

    failing: tuple[str, ...]
    ok: tuple[str, ...]
    cut: bool


def check_list(body: str) -> CheckList | None:
    """The check list in ``body``; ``None`` when there is none. A check told both ways is in neither part."""
    lines = body.strip().split("\n")
    found = [_LINE.match(line) for line in lines]
    if not any(found):
        return None
    ok, failing = (dict.fromkeys(str(m[part]) for m in found if m and m[part]) for part in ("ok", "failing"))
    read = sum(m is not None for m in found)
    whole = lines[-1].strip().endswith(_TRAILERS) and read >= len(lines) - 1
    only = [
        tuple(n for n in part if n not in other and n.isprintable()) for part, other in ((failing, ok), (ok, failing))
    ]
    return CheckList(only[0], only[1], not whole)


_OF_STATUS = {
    400: "bad_listener",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "bad_listener",
    409: "bad_listener",
    429: "too_many_requests",
    503: "service_unavailable",
    504: "gateway_timeout",
}


def classify_answer(status: int, body: str, cut: bool) -> Answer:
    """An HTTP answer by the contract's table.

    Stricter than k3s in one point: a 2xx that is no readiness report (a captive portal, an ingress) is ``other``.
    """
    report = check_list(body)
    message = _status_message(body)
    failing, ok = (report.failing, report.ok) if report is not None else ((), ())
    cut = cut or (report is not None and report.cut)
    stripped = body.strip()
    if 200 <= status <= 206:
        if not failing and (stripped == "ok" or stripped.endswith("readyz check passed")):
            return Answer(None, status, "ready", (), ok, cut=cut)
        return Answer("other", status, f"status {status} without a readiness report", failing, ok, cut=cut)
    if status == 500:
        if failing:
            return Answer("readyz_failing", status, "readyz check failed", failing, ok, message=message, cut=cut)
        if "apiserver not ready" in (stripped, message):
            return Answer("not_ready_text", status, "apiserver not ready", message=message, cut=cut)
    error = _OF_STATUS.get(status, "server_error" if status >= 500 else "other")
    detail = message or (stripped if stripped.isprintable() and not stripped.startswith("<") else "")
    text = f"status {status}: {detail}" if detail else f"status {status}"
    return Answer(error, status, text, failing, ok, message=message, cut=cut)


def _status_message(body: str) -> str | None:
    """The message of a Kubernetes ``Status`` object, as the API server and k3s' supervisor send for errors."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("kind") != "Status":
        return None
    message = document.get("message")
    return message if isinstance(message, str) and message else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds named by ``Retry-After``; a date counts from the answer's own ``Date``, never from this clock.

    The names of ``headers`` are in lower case.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return float(value)
    if not value:
        return None
    from email.utils import parsedate_to_datetime  # a date is rare, and the library large

    try:
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


#: Words that need no look for secrets: what every k3s answers while it starts.
_OWN_WORDS = frozenset(
    said
    for text in ("ready", "readyz check failed", "apiserver not ready", "starting", "runtime core not ready")
    for said in (text, f"status 503: {text}", f"status 500: {text}")
)


def visible(text: str) -> str:
    """``text`` on one line of at most ``TEXT_LIMIT`` characters, control characters made visible, secrets masked."""
    text = text[: 4 * TEXT_LIMIT]
    if text not in _OWN_WORDS:
        from analyzer.events.redaction import mask_secrets  # its rules take 0.1 s to load: only for words of strangers

        text = mask_secrets(text)
    shown = printable(text[: TEXT_LIMIT + 1])
    return shown if len(shown) <= TEXT_LIMIT else shown[: TEXT_LIMIT - 1] + "…"
