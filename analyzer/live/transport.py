"""One poll: a fresh TLS connection, ``GET /readyz?verbose``, one classified answer.

What k3s' own poller does is kept: a new connection each time (its request sets ``Close``), HTTP/1.1, no proxy, no
redirects, 15 s for the whole poll. What it cannot see is added: the stage in which a poll died, ``Retry-After``, and
the ``Status`` message of an answer that is not a check list. Answers are data from a stranger: bodies are cut,
control characters made visible, and credentials masked wherever an error might quote them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import json
import re
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from analyzer.errors import BadInputError, UsageError, printable
from analyzer.events.readyz import parse_body
from analyzer.events.redaction import mask_secrets
from analyzer.live.kubeconfig import Access
from analyzer.live.observed_polls import Answer
from analyzer.version import __version__

#: More than any check list needs (2 kB in practice); the rest of a body is not read.
BODY_LIMIT = 64 * 1024
#: Longest text kept of an answer or an error.
TEXT_LIMIT = 300
#: Go's own limit on a TLS handshake (net/http DefaultTransport), used so that the class ``tls_timeout`` means the same.
TLS_HANDSHAKE_S = 10.0
READYZ = "/readyz"


def checked_server(url: str) -> str:
    """``url`` in a form that can be asked: scheme and host, an optional port and path.

    Raises ``UsageError`` without echoing a password that may be in it.
    """
    try:
        parts: SplitResult = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise UsageError("the server's address cannot be read", hint="Example: https://127.0.0.1:6443") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("the server's address holds a user name or password; give credentials by file")
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError(
            "the server's address must start with https://",
            hint="Example: https://127.0.0.1:6443 or https://[::1]:6443",
        )
    if parts.query or parts.fragment:
        raise UsageError("the server's address must not hold a query or a fragment")
    if not url.strip().isprintable() or " " in url.strip() or port == 0:
        raise UsageError("the server's address cannot be read", hint="Example: https://127.0.0.1:6443")
    bracketed = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{bracketed}:{port or default}{parts.path.rstrip('/')}"


def tls_context(access: Access) -> ssl.SSLContext:
    """The TLS settings of ``access``; raises ``BadInputError`` for certificates that cannot be used.

    Python can load a client key from files only, so a key that came as data is written to a private folder (0700, file
    0600) for the moment of loading.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Newer Pythons reject CAs without key identifiers; Go, and so k3s' own poller, accepts them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif access.ca is not None:
        try:
            context.load_verify_locations(cadata=access.ca.text)
        except (ssl.SSLError, ValueError) as problem:
            raise BadInputError(f"{access.ca.origin} holds no usable CA certificate") from problem
    else:
        context.load_default_certs()
    if access.cert is not None and access.key is not None:
        with tempfile.TemporaryDirectory(prefix="k3slog-") as folder:
            cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
            for file, text in ((cert, access.cert.text), (key, access.key.text)):
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
            try:
                # An empty password instead of none: OpenSSL would ask for one on the terminal.
                context.load_cert_chain(cert, key, password="")
            except (ssl.SSLError, OSError, ValueError):
                raise BadInputError(
                    f"the client certificate ({access.cert.origin}) and key ({access.key.origin}) cannot be used",
                    hint="Both must be PEM, belong together, and the key must not be encrypted",
                ) from None
    return context


class HttpProber:
    """Asks a real server with httpx. ``server`` is the address without secrets; ``anonymous``: without credentials."""

    def __init__(self, access: Access) -> None:
        _warm_up()
        self.server = checked_server(access.server)
        if access.token and self.server.startswith("http:"):
            raise UsageError("a token is never sent over plain http; use https")
        self._context = tls_context(access)
        self.anonymous = access.token is None and access.cert is None
        self._token = access.token
        self._headers = {
            "Accept": "application/json, text/plain, */*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": f"k3slog/{__version__}",
            **({"Authorization": f"Bearer {access.token}"} if access.token else {}),
        }
        self._extensions = {"sni_hostname": access.tls_server_name} if access.tls_server_name else {}

    async def ask(self, limit_s: float) -> Answer:
        """One poll on a connection of its own, of at most ``limit_s`` seconds; never raises for anything the server or
        the network does."""
        stage = _Stage()
        try:
            async with asyncio.timeout(limit_s):
                return await self._exchange(stage, limit_s)
        except TimeoutError:
            # Which phase was cut by the limit says what kind of silence it was.
            error, words = _SILENCES[stage.name]
            return Answer(error=error, text=f"no answer within {limit_s:.3g} s ({words})")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ssl.SSLError, UnicodeError) as problem:
            error, text = classify_failure(problem, stage.name)
            return Answer(error=error, text=self._clean(text))

    async def _exchange(self, stage: _Stage, limit_s: float) -> Answer:
        transport = httpx.AsyncHTTPTransport(verify=self._context, http1=True, http2=False, retries=0, trust_env=False)
        timeout = httpx.Timeout(limit_s, connect=min(limit_s, TLS_HANDSHAKE_S))
        async with (
            httpx.AsyncClient(
                transport=transport, trust_env=False, follow_redirects=False, timeout=timeout, headers=self._headers
            ) as client,
            client.stream(
                "GET",
                f"{self.server}{READYZ}",
                params={"verbose": ""},
                extensions={**self._extensions, "trace": stage.trace},
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BODY_LIMIT:
                    break
        cut = len(body) > BODY_LIMIT
        text = bytes(body[:BODY_LIMIT]).decode("utf-8", errors="replace")
        answer = classify_answer(response.status_code, text, cut)
        message = self._clean(answer.message) if answer.message else None
        retry_s = retry_after(response.headers)
        return replace(answer, text=self._clean(answer.text), message=message, retry_after_s=retry_s)

    def _clean(self, text: str) -> str:
        return visible(text.replace(self._token, "***") if self._token else text)


def _warm_up() -> None:
    """Load what httpx loads late: the first poll would take tens of milliseconds more, seconds on a starved board."""
    for name in ("httpcore", "anyio.streams.tls", "anyio._backends._asyncio"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class _Stage:
    """How far a poll got, from httpcore's trace events."""

    def __init__(self) -> None:
        self.name = "connect"

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        self.name = _STAGES.get(event, self.name)


_STAGES = {"connection.start_tls.started": "tls", "http11.send_request_headers.started": "answer"}
#: Error class and words of a poll that ran out of time, by its stage.
_SILENCES = {
    "connect": ("io_timeout", "no connection"),
    "tls": ("tls_timeout", "no TLS handshake"),
    "answer": ("deadline_exceeded", "connected, then silence"),
}


# --- what an answer means -------------------------------------------------------------------------------------------

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
    report = parse_body(body)
    message = _status_message(body)
    failing = tuple(n for n in report.failing if n.isprintable()) if report else ()
    ok = tuple(n for n in report.ok if n.isprintable()) if report else ()
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


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds named by ``Retry-After``; a date counts from the answer's own ``Date``, never from this clock."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return float(value)
    try:
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


# --- what a failure means -------------------------------------------------------------------------------------------

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_OF_X509 = {
    **dict.fromkeys((9, 10, 11, 12, 13, 14), "x509_time"),
    **dict.fromkeys((62, 63, 64), "x509_name"),
    **dict.fromkeys((2, 7, 18, 19, 20, 21, 24, 26, 27, 79), "x509_unknown_authority"),
}
# Reasons OpenSSL gives when the peer does not speak TLS at all.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "BAD_RECORD_TYPE")
# Alerts by which a server turns down the client's certificate during or just after the handshake.
_CERT_REFUSED = (
    "CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_UNSUPPORTED_CERTIFICATE",
)
_OF_ERRNO = {
    errno.ECONNREFUSED: ("connection_refused", "connection refused"),
    errno.ECONNRESET: ("connection_reset", "connection reset by peer"),
    errno.EPIPE: ("connection_reset", "broken pipe"),
    errno.ECONNABORTED: ("connection_reset", "connection aborted"),
    errno.EHOSTUNREACH: ("no_route", "no route to host"),
    errno.ENETUNREACH: ("no_route", "network is unreachable"),
    errno.EADDRNOTAVAIL: ("no_route", "cannot assign requested address"),
    errno.ETIMEDOUT: ("io_timeout", "connection timed out"),
}


def classify_failure(problem: BaseException, stage: str) -> tuple[str, str]:
    """Error class and text of a poll that brought no HTTP answer. ``stage``: ``connect``, ``tls`` or ``answer``."""
    chain = list(_chain(problem))
    tls = [cause for cause in chain if isinstance(cause, ssl.SSLError)]
    system = [cause for cause in chain if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError)]
    found = (
        *(_x509(cause) for cause in tls if isinstance(cause, ssl.SSLCertVerificationError)),
        *map(_tls, tls),
        *(_OF_ERRNO[cause.errno] for cause in system if cause.errno in _OF_ERRNO),
        _of_httpx(problem, stage),
        ("other", next((str(cause) for cause in reversed(chain) if str(cause)), type(problem).__name__)),
    )
    return next(filter(None, found))


def _of_httpx(problem: BaseException, stage: str) -> tuple[str, str] | None:
    """What httpx says of failures that no error of the system or of TLS explains."""
    match problem:
        case httpx.ConnectTimeout() if stage == "tls":
            return "tls_timeout", "TLS handshake timeout"
        case httpx.ConnectTimeout():
            return "io_timeout", "no connection in time"
        case httpx.TimeoutException():
            return "deadline_exceeded", "no answer in time"
        case httpx.RemoteProtocolError() if "disconnected" in str(problem).lower():
            return "eof", "connection closed without an answer"
        case httpx.RemoteProtocolError() if "incomplete" in str(problem):
            return "eof", "answer ended early"
        case httpx.RemoteProtocolError():
            return "other", "the answer is not HTTP"
        case httpx.ReadError() | httpx.ConnectError() if stage in ("tls", "answer"):
            # A stream that ends inside the handshake or the answer carries no error of its own.
            return "eof", "connection closed"
        case _:
            return None


def _x509(cause: ssl.SSLCertVerificationError) -> tuple[str, str]:
    text = f"x509: {getattr(cause, 'verify_message', '') or 'certificate not accepted'}"
    unknown = "x509_name" if "mismatch" in text.lower() else "other"
    return _OF_X509.get(getattr(cause, "verify_code", 0), unknown), text


def _tls(cause: ssl.SSLError) -> tuple[str, str] | None:
    reason = (getattr(cause, "reason", None) or "").upper().replace(" ", "_")
    if any(word in reason for word in _NOT_TLS):
        return "bad_listener", "the server does not speak TLS on this port"
    if any(word in reason for word in _CERT_REFUSED):
        return "unauthorized", f"the server refused the client's certificate ({reason.lower()})"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "EOF" in reason:
        return "eof", "connection closed during TLS"
    return ("other", f"tls: {reason.lower()}") if reason else None


def _chain(problem: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """``problem``, what caused it, and the members of groups (one per address tried)."""
    if depth > 12:
        return
    yield problem
    if isinstance(problem, BaseExceptionGroup):
        for member in problem.exceptions:
            yield from _chain(member, depth + 1)
    following = problem.__cause__ or problem.__context__
    if following is not None:
        yield from _chain(following, depth + 1)


def visible(text: str) -> str:
    """``text`` on one line of at most ``TEXT_LIMIT`` characters, control characters made visible, secrets masked."""
    text = mask_secrets(text[: 4 * TEXT_LIMIT])
    shown = printable(text[: TEXT_LIMIT + 1])
    return shown if len(shown) <= TEXT_LIMIT else shown[: TEXT_LIMIT - 1] + "…"
