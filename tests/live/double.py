"""A stand-in for an API server: real TLS, client certificates, ``/readyz?verbose``, and every way to misbehave.

One thread per connection on a loopback socket. What it does is a function of the seconds since ``start()``; when each
hook really finishes, when it was really ready and every request it saw are known exactly, so that windows can be
judged against the truth.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PING = ("ping", "log", "etcd", "informer-sync")


@dataclass(frozen=True)
class Act:
    """What to do with one connection.

    ``kind``: ``list`` (the hooks' state), an HTTP status as text (``"503"``), ``hang`` (silence after TLS),
    ``hang_tcp`` (silence before), ``reset``, ``eof`` (close after the request), ``eof_tcp`` (close before TLS),
    ``garbage`` (not HTTP), ``drip`` (a header byte now and then), ``huge`` (an endless body), ``portal`` (a friendly
    200 of a stranger).
    """

    kind: str = "list"
    retry_after: str | None = None
    hold_s: float = 0.0  # wait before the answer; the hooks are looked at half way


@dataclass
class Seen:
    """One connection as the server saw it; ``read_s`` is when the state in the answer was sampled."""

    accepted_s: float
    act: str
    path: str | None = None
    peer: str | None = None
    headers: Mapping[str, str] | None = None
    read_s: float | None = None
    closed_s: float | None = None


class Pki:
    """A CA of its own and what it signs; elliptic keys, so that a test needs milliseconds."""

    def __init__(self, name: str = "k3s-server-ca") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self._sign(name, self.key, None, ca=True)

    def _sign(
        self,
        common_name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate | None,
        *,
        ca: bool = False,
        names: Iterable[str] = (),
        client: bool = False,
        expired: bool = False,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        now = datetime.now(UTC)
        since, until = (
            (now - timedelta(days=9), now - timedelta(days=2))
            if expired
            else (
                now - timedelta(hours=1),
                now + timedelta(days=1),
            )
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            use = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
            builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        alternative: list[x509.GeneralName] = []
        for name in names:
            try:
                alternative.append(x509.IPAddress(ip_address(name)))
            except ValueError:
                alternative.append(x509.DNSName(name))
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    @property
    def ca_pem(self) -> str:
        return self.cert.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common_name: str, **options: Any) -> tuple[str, str]:
        """Certificate and key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(common_name, key, self.cert, **options)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cert.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()

    def server(self, names: Iterable[str] = ("127.0.0.1", "::1", "localhost"), **options: Any) -> tuple[str, str]:
        return self.issue("k3s", names=tuple(names), **options)

    def kubeconfig(
        self, path: Path, server: str, *, ca: str | None = None, client: bool = True, token: str = ""
    ) -> Path:
        """A kubeconfig as k3s writes it: everything as base64 data in one file."""
        user: dict[str, str] = {}
        if client:
            cert, key = self.issue("system:admin", client=True)
            user = {"client-certificate-data": _b64(cert), "client-key-data": _b64(key)}
        if token:
            user["token"] = token
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "default",
            "clusters": [
                {
                    "name": "default",
                    "cluster": {"server": server, "certificate-authority-data": _b64(ca or self.ca_pem)},
                }
            ],
            "users": [{"name": "default", "user": user}],
            "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Double:
    """The server. Use as a context manager; ``start()`` sets its zero of time."""

    def __init__(
        self,
        pki: Pki,
        hooks: Mapping[str, float] | None = None,
        script: Callable[[float], Act] | None = None,
        *,
        listen_at_s: float = 0.0,
        certificate: tuple[str, str] | None = None,
        client_certs: bool = True,
        plain_http: bool = False,
        host: str = "127.0.0.1",
        zero_at_first_request: bool = False,
    ) -> None:
        self.hooks = dict(hooks or {})
        self.script = script or (lambda _t: Act())
        self.listen_at_s = listen_at_s
        self._lazy = zero_at_first_request  # for clients that are processes and take their time to begin
        self.log: list[Seen] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stopping = threading.Event()
        self._zero = time.monotonic()
        self._context: ssl.SSLContext | None = None
        self._host = host
        if not plain_http:
            self._context = self._tls(pki, certificate or pki.server(), client_certs)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, 0))  # bound but not listening: connections are refused
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True, name="double")

    @staticmethod
    def _tls(pki: Pki, certificate: tuple[str, str], client_certs: bool) -> ssl.SSLContext:
        import tempfile

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            cert, key = Path(folder, "c"), Path(folder, "k")
            cert.write_text(certificate[0])
            key.write_text(certificate[1])
            context.load_cert_chain(cert, key)
        if client_certs:
            context.load_verify_locations(cadata=pki.ca_pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"https://{host}:{self.port}"

    def now_s(self) -> float:
        return time.monotonic() - self._zero

    def start(self) -> None:
        """Time zero of the script and the hooks."""
        self._zero = time.monotonic()
        if self.listen_at_s <= 0:
            self._listen()
        self._thread.start()

    def _listen(self) -> None:
        self._socket.listen(64)
        self._socket.settimeout(0.05)

    @property
    def hooks_done_s(self) -> float:
        return max(self.hooks.values(), default=0.0)

    def requests(self) -> list[Seen]:
        with self._lock:
            return list(self.log)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None) -> None:
        self._stopping.set()
        self._socket.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)

    # --- the work of the threads ---

    def _accept(self) -> None:
        if self.listen_at_s > 0:
            self._stopping.wait(max(0.0, self._zero + self.listen_at_s - time.monotonic()))
            with contextlib.suppress(OSError):
                self._listen()
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self._lazy:
                self._zero, self._lazy = time.monotonic(), False
            now = self.now_s()
            seen = Seen(accepted_s=now, act=self.script(now).kind)
            with self._lock:
                self.log.append(seen)
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, self.script(now), seen), daemon=True).start()

    def _serve(self, connection: socket.socket, act: Act, seen: Seen) -> None:
        raw = connection
        try:
            connection.settimeout(30.0)
            if act.kind == "hang_tcp":
                self._stopping.wait(30.0)
                return
            if act.kind == "eof_tcp":
                connection.recv(65536)  # unread bytes would turn the close into a reset
                return
            if act.kind == "reset":
                _reset(raw)
                return
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.add(connection)
                    self._open.discard(raw)
                seen.peer = _common_name(connection)
            self._answer(connection, act, seen)
        except (OSError, ssl.SSLError, ValueError):
            return
        finally:
            seen.closed_s = self.now_s()
            with self._lock:
                self._open.discard(raw)
                self._open.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def _answer(self, connection: socket.socket, act: Act, seen: Seen) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(4096)
            if not part:
                return
            request += part
        head = request.decode("latin-1").split("\r\n")
        seen.path = head[0].split(" ")[1]
        seen.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        self._stopping.wait(act.hold_s / 2)
        now = self.now_s()
        seen.read_s = now
        if act.hold_s:  # what there is to say is decided half way, as for the hooks
            act = self.script(now)
        kind = seen.act = act.kind
        if kind == "hang":
            self._stopping.wait(30.0)
        elif kind == "eof":
            pass
        elif kind == "garbage":
            connection.sendall(b"\x00\x01\xffSSH-2.0-OpenSSH_9.6 what is this\r\n\r\n")
        elif kind == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 300:
                connection.sendall(bytes([byte]))
                if self._stopping.wait(0.1):
                    break
        elif kind == "huge":
            connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n\r\n")
            for _ in range(1000):
                connection.sendall(b"[-]x failed: reason withheld\n" * 1000)
        elif kind == "portal":
            connection.sendall(_http(200, "<html>Welcome! Please log in.</html>", "text/html"))
        else:
            status, body, mime = self._body(kind, now)
            self._stopping.wait(act.hold_s / 2)
            extra = f"Retry-After: {act.retry_after}\r\n" if act.retry_after else ""
            connection.sendall(_http(status, body, mime, extra))

    def _body(self, kind: str, now: float) -> tuple[int, str, str]:
        if kind == "list":
            failing = {name for name, done in self.hooks.items() if now < done}
            lines = [f"[+]{name} ok" for name in PING]
            lines += [
                f"[-]{name} failed: reason withheld" if name in failing else f"[+]{name} ok" for name in self.hooks
            ]
            lines.append("readyz check failed\n" if failing else "readyz check passed\n")
            return (500 if failing else 200), "\n".join(lines), "text/plain; charset=utf-8"
        if kind == "500text":
            return 500, "apiserver not ready\n", "text/plain; charset=utf-8"
        messages = {
            "401": "Unauthorized",
            "403": 'forbidden: User "system:k3s-controller" cannot get path "/readyz"',
            "429": "too many requests, please try again later",
            "503": "apiserver not ready",
        }
        status = int(kind)
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
        body["message"] = messages.get(kind, f"answer {kind}")
        return status, json.dumps(body), "application/json"


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _http(status: int, body: str, mime: str, extra: str = "") -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {mime}\r\nContent-Length: {len(data)}\r\n"
    return f"{head}{extra}Connection: close\r\n\r\n".encode() + data


def _common_name(connection: Any) -> str | None:
    peer = connection.getpeercert() or {}
    for entry in peer.get("subject", ()):
        for key, value in entry:
            if key == "commonName":
                return str(value)
    return None


def stages(*steps: tuple[float, Act]) -> Callable[[float], Act]:
    """A script from ``(until_s, act)`` steps; after the last one its act goes on."""

    def script(at_s: float) -> Act:
        for until_s, act in steps:
            if at_s < until_s:
                return act
        return steps[-1][1]

    return script
