"""What a poll that brought no HTTP answer died of: one class of the contract's table, and words of our own."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator

import httpcore

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
        _of_library(problem, stage),
        ("other", next((str(cause) for cause in reversed(chain) if str(cause)), type(problem).__name__)),
    )
    return next(filter(None, found))


def _of_library(problem: BaseException, stage: str) -> tuple[str, str] | None:
    """What the library says of failures that no error of the system or of TLS explains."""
    match problem:
        case httpcore.ConnectTimeout() if stage == "tls":
            return "tls_timeout", "TLS handshake timeout"
        case httpcore.ConnectTimeout():
            return "io_timeout", "no connection in time"
        case httpcore.TimeoutException():
            return "deadline_exceeded", "no answer in time"
        case httpcore.RemoteProtocolError() if "disconnected" in str(problem).lower():
            return "eof", "connection closed without an answer"
        case httpcore.RemoteProtocolError() if "complete" in str(problem):
            return "eof", "answer ended early"
        case httpcore.RemoteProtocolError():
            return "other", "the answer is not HTTP"
        case httpcore.ReadError() | httpcore.ConnectError() if stage in ("tls", "answer"):
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
