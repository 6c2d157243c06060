"""One poll: ``GET /readyz?verbose`` over TLS, one classified answer.

What k3s' own poller does is kept: HTTP/1.1, no proxy, no redirects, 15 s for the whole poll. Unlike it, polls share one
connection while the server leaves it open: a new one costs the server up to twice as much, and this client five times.
One that was closed meanwhile is no answer: the poll goes on over a new one. What k3s cannot see is added: the stage in
which a poll died, ``Retry-After``, and the ``Status`` message of an answer that is not a check list. Answers are data
from a stranger: bodies are cut, control characters made visible, and credentials masked wherever an error might quote
them.

Connections, TLS and HTTP are httpcore's, the part of httpx that talks: the rest of httpx takes another 0.1 s to load.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ssl
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import httpcore

from analyzer.errors import BadInputError, UsageError, printable
from analyzer.live.answers import classify_answer, retry_after, visible
from analyzer.live.failures import classify_failure
from analyzer.live.kubeconfig import Access
from analyzer.live.observed_polls import Answer
from analyzer.live.prober import Prober, Reply
from analyzer.version import __version__

#: More than any check list needs (2 kB in practice); the rest of a body is not read.
BODY_LIMIT = 64 * 1024
#: Go's own limit on a TLS handshake (net/http DefaultTransport), used so that the class ``tls_timeout`` means the same.
TLS_HANDSHAKE_S = 10.0
READYZ = "/readyz?verbose="


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


class HttpProber(Prober):
    """Asks a real server."""

    def __init__(self, access: Access) -> None:
        _warm_up()
        self._server = checked_server(access.server)
        if access.token and self.server.startswith("http:"):
            raise UsageError("a token is never sent over plain http; use https")
        self._context = tls_context(access)
        self._anonymous = access.token is None and access.cert is None
        self._token = access.token
        self._sni = {"sni_hostname": access.tls_server_name} if access.tls_server_name else {}
        parts = urlsplit(self.server)
        self._origin = httpcore.Origin(parts.scheme.encode(), _host(parts), parts.port or 443)
        self._prefix = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._context, max_connections=8, max_keepalive_connections=4, keepalive_expiry=60.0
        )
        self._headers = [
            (b"Host", _named(self._origin)),
            (b"Accept", b"application/json, text/plain, */*"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", f"k3slog/{__version__}".encode()),
            *([(b"Authorization", f"Bearer {access.token}".encode())] if access.token else []),
        ]

    @property
    def server(self) -> str:
        """The address without secrets."""
        return self._server

    @property
    def anonymous(self) -> bool:
        """Whether it asks without credentials."""
        return self._anonymous

    async def ask(self, limit_s: float) -> Answer:
        """One poll, of at most ``limit_s`` seconds; never raises for anything the server or the network does."""
        reply = await self.get(READYZ, limit_s, BODY_LIMIT)
        if isinstance(reply, Answer):
            return reply
        answer = classify_answer(reply.status, reply.body, reply.cut)
        message = self._clean(answer.message) if answer.message else None
        return replace(answer, text=self._clean(answer.text), message=message, retry_after_s=retry_after(reply.headers))

    async def get(self, target: str, limit_s: float, body_limit: int) -> Reply | Answer:
        """``target`` of this server; what prevented an HTTP answer is an ``Answer``."""
        stage = _Stage()
        try:
            async with asyncio.timeout(limit_s):
                try:
                    return await self._exchange(target, stage, limit_s, body_limit)
                except _FAILURES:
                    if stage.connected:
                        raise
                    # The server had closed the connection of the poll before: that says nothing of this one.
                    return await self._exchange(target, stage, limit_s, body_limit)
        except TimeoutError:
            # Which phase was cut by the limit says what kind of silence it was.
            error, words = _SILENCES[stage.name]
            return Answer(error=error, text=f"no answer within {limit_s:.3g} s ({words})")
        except _FAILURES as problem:
            error, text = classify_failure(problem, stage.name)
            return Answer(error=error, text=self._clean(text) if error == "other" else printable(text))

    async def aclose(self) -> None:
        """Close the connection; whatever that brings is of no interest."""
        with contextlib.suppress(*_FAILURES):
            await self._pool.aclose()

    async def _exchange(self, target: str, stage: _Stage, limit_s: float, body_limit: int) -> Reply:
        timeouts = {"connect": min(limit_s, TLS_HANDSHAKE_S), "read": limit_s, "write": limit_s, "pool": limit_s}
        origin = self._origin
        request = httpcore.Request(
            b"GET",
            httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=f"{self._prefix}{target}"),
            headers=self._headers,
            extensions={**self._sni, "timeout": timeouts, "trace": stage.trace},
        )
        body = bytearray()
        response = await self._pool.handle_async_request(request)
        try:
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > body_limit:
                    break
        finally:
            await response.aclose()
        text = bytes(body[:body_limit]).decode("utf-8", errors="replace")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, text, headers, len(body) > body_limit)

    def _clean(self, text: str) -> str:
        return visible(text.replace(self._token, "***") if self._token else text)


#: All that a server or the network can do to a request.
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
    ssl.SSLError,
    UnicodeError,
)


def _host(parts: SplitResult) -> bytes:
    try:
        return (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii")
    except UnicodeError:
        raise UsageError("the server's address cannot be read", hint="Example: https://127.0.0.1:6443") from None


def _named(origin: httpcore.Origin) -> bytes:
    """The ``Host`` header, as everybody writes it."""
    host = b"[" + origin.host + b"]" if b":" in origin.host else origin.host
    return host if (origin.scheme, origin.port) in ((b"https", 443), (b"http", 80)) else host + b":%d" % origin.port


def _warm_up() -> None:
    """Load what httpcore loads late, so that it is no part of the first poll: tens of milliseconds, more on a board."""
    for name in ("h11", "anyio.streams.tls", "anyio._backends._asyncio"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class _Stage:
    """How far a poll got, from httpcore's trace events. ``connected``: on a connection of its own."""

    def __init__(self) -> None:
        self.name = "connect"
        self.connected = False

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        self.connected |= event == "connection.connect_tcp.started"
        self.name = _STAGES.get(event, self.name)


_STAGES = {
    "connection.connect_tcp.started": "connect",
    "connection.start_tls.started": "tls",
    "http11.send_request_headers.started": "answer",
}
#: Error class and words of a poll that ran out of time, by its stage.
_SILENCES = {
    "connect": ("io_timeout", "no connection"),
    "tls": ("tls_timeout", "no TLS handshake"),
    "answer": ("deadline_exceeded", "connected, then silence"),
}
