"""Kubeconfig files: which server, whom to trust, as whom to ask.

Only what a poll needs is read: the current context's cluster and user. Fields as documented by client-go's
``clientcmd`` API (v1 Config); relative paths count from the file's own folder; with several files the first to
define a name wins. Programs (``exec``, ``auth-provider``) are never run.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analyzer.errors import BadInputError
from analyzer.live.plain_yaml import plain

#: Where k3s and RKE2 write their administrator's kubeconfig (their docs, "Cluster Access").
K3S_KUBECONFIG = Path("/etc/rancher/k3s/k3s.yaml")
RKE2_KUBECONFIG = Path("/etc/rancher/rke2/rke2.yaml")
#: Larger than any real one; keeps a wrong path (a disk image) from being parsed.
LARGEST_BYTES = 1 << 20


class NotThereError(BadInputError):
    """A kubeconfig does not exist: it may yet be written. ``paths``: where it is looked for."""

    def __init__(self, message: str, paths: tuple[Path, ...], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.paths = paths


@dataclass(frozen=True, slots=True)
class Pem:
    """A PEM text, from a file or from base64 data; never shown by ``repr``."""

    text: str = field(repr=False)
    origin: str = ""
    from_file: bool = False  # ``origin`` is its path


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach and convince one API server. Secrets are left out of ``repr``."""

    server: str
    ca: Pem | None = None
    cert: Pem | None = None
    key: Pem | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    insecure: bool = False
    tls_server_name: str | None = None
    notes: tuple[str, ...] = ()  # what was left out of account, for stderr
    files: tuple[Path, ...] = ()  # what was read for it: when one changes, so may the rest


def read_text(path: Path, what: str) -> str:
    """The text of ``path``, ``what`` naming it in errors; raises ``BadInputError``."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except IsADirectoryError as problem:
        raise BadInputError(f"{what} {path} is a folder") from problem
    except PermissionError as problem:
        raise BadInputError(
            f"{what} {path} may not be read by this user", hint="k3s writes it for root only: use sudo"
        ) from problem
    except OSError as problem:
        raise BadInputError(f"{what} {path} cannot be read: {problem.strerror or problem}") from problem
    if len(data) > LARGEST_BYTES:
        raise BadInputError(f"{what} {path} is too large to be one")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadInputError(f"{what} {path} is not text") from problem


def default_paths(
    env_kubeconfig: str | None, own: Sequence[Path] = (K3S_KUBECONFIG, RKE2_KUBECONFIG)
) -> tuple[Path, ...]:
    """Files to read when none was named: the first of this machine's ``own`` that can be read, else ``$KUBECONFIG``.

    An unreadable file of its own is passed over only when ``$KUBECONFIG`` offers another. Raises ``NotThereError`` when
    none of them exists.
    """
    listed = tuple(Path(p).expanduser() for p in (env_kubeconfig or "").split(":") if p)
    closed: tuple[Path, ...] = ()
    for path in own:
        try:
            with path.open("rb"):
                return (path,)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            closed = closed or (path,)
    usable = tuple(p for p in listed if p.exists()) or closed
    if usable:
        return usable
    names = " nor ".join(map(str, own))
    if listed:
        shown = ":".join(map(str, listed))
        raise NotThereError(
            f"no kubeconfig: $KUBECONFIG names {shown}, which does not exist, and neither does {names}", (*own, *listed)
        )
    raise NotThereError(
        f"no kubeconfig: neither {names} exists, and $KUBECONFIG is not set",
        tuple(own),
        hint="A fresh server writes it during its first start; name one with --kubeconfig, or use --server with --ca",
    )


def load(paths: Sequence[Path]) -> Access:
    """The current context of ``paths``, merged; raises ``BadInputError`` with a hint and without any content."""
    context_name: str | None = None
    found: dict[str, dict[str, tuple[Mapping[str, Any], Path]]] = {"clusters": {}, "contexts": {}, "users": {}}
    for path in paths:
        document = _parse(path)
        current = document.get("current-context")
        if context_name is None and isinstance(current, str) and current:
            context_name = current
        for kind, names in found.items():
            for name, body in _named(document, kind, path):
                names.setdefault(name, (body, path))
    shown = ":".join(map(str, paths))
    if context_name is None:
        raise BadInputError(f"kubeconfig {shown} has no current-context")
    context = _pick(found, "contexts", context_name, shown)[0]
    cluster, cluster_path = _pick(found, "clusters", str(context.get("cluster", "")), shown)
    named = context.get("user")
    user, user_path = _pick(found, "users", str(named), shown) if named else ({}, cluster_path)
    access = _access(cluster, cluster_path, user, user_path)
    return replace(access, files=(*paths, *access.files))


def _parse(path: Path) -> Mapping[str, Any]:
    try:
        text = read_text(path, "kubeconfig")
    except BadInputError as problem:
        if isinstance(problem.__cause__, FileNotFoundError | NotADirectoryError):
            raise NotThereError(problem.message, (path,)) from problem
        raise
    document = plain(text)
    return document if document is not None else _parse_yaml(text, path)


def _parse_yaml(text: str, path: Path) -> Mapping[str, Any]:
    """Any YAML, for which the library is loaded."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        # The problem's own text quotes the file, which holds keys: say only where.
        mark = getattr(problem, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise BadInputError(f"kubeconfig {path} is not valid YAML{where}") from None
    except RecursionError:
        raise BadInputError(f"kubeconfig {path} is nested too deeply") from None
    if not isinstance(document, dict):
        raise BadInputError(f"kubeconfig {path} is not a kubeconfig: its top is not a mapping")
    return document


def _named(document: Mapping[str, Any], kind: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = document.get(kind) or []
    if not isinstance(entries, list):
        raise BadInputError(f"kubeconfig {path}: {kind} is not a list")
    inner = kind[:-1]
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise BadInputError(f"kubeconfig {path}: an entry of {kind} has no name")
        body = entry.get(inner) or {}
        if not isinstance(body, dict):
            raise BadInputError(f"kubeconfig {path}: {inner} {entry['name']!r} is not a mapping")
        yield entry["name"], body


def _pick(
    found: Mapping[str, Mapping[str, tuple[Mapping[str, Any], Path]]], kind: str, name: str, shown: str
) -> tuple[Mapping[str, Any], Path]:
    try:
        return found[kind][name]
    except KeyError:
        raise BadInputError(f"kubeconfig {shown} has no {kind[:-1]} named {name!r}") from None


def _access(cluster: Mapping[str, Any], cluster_path: Path, user: Mapping[str, Any], user_path: Path) -> Access:
    server = cluster.get("server")
    if not isinstance(server, str) or not server:
        raise BadInputError(f"kubeconfig {cluster_path}: the cluster has no server")
    ca = _pem(cluster, "certificate-authority", cluster_path)
    cert = _pem(user, "client-certificate", user_path)
    key = _pem(user, "client-key", user_path)
    if (cert is None) != (key is None):
        raise BadInputError(f"kubeconfig {user_path}: client-certificate and client-key must come together")
    token = user.get("token")
    files = [Path(pem.origin) for pem in (ca, cert, key) if pem is not None and pem.from_file]
    token_file = user.get("tokenFile")
    if isinstance(token_file, str) and token_file:
        files.append(user_path.parent / Path(token_file).expanduser())
        token = read_token(files[-1])
    if token is not None and not (isinstance(token, str) and token.isprintable()):
        raise BadInputError(f"kubeconfig {user_path}: the token is not one line of text")
    for name in ("exec", "auth-provider"):
        if user.get(name) and not token and cert is None:
            raise BadInputError(
                f"kubeconfig {user_path}: the user logs in through {name!r}, which is not run here",
                hint="Use a client certificate or --token-file",
            )
    passed_over = (
        (
            user.get("username") or user.get("password"),
            "username and password of the kubeconfig are not sent (Kubernetes dropped them in 1.19)",
        ),
        (cluster.get("proxy-url"), "proxy-url of the kubeconfig is not used: a wait asks the server directly"),
    )
    tls_name = cluster.get("tls-server-name")
    return Access(
        server=server,
        ca=ca,
        cert=cert,
        key=key,
        token=token or None,
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        tls_server_name=tls_name if isinstance(tls_name, str) and tls_name else None,
        notes=tuple(note for said, note in passed_over if said),
        files=tuple(files),
    )


def _pem(body: Mapping[str, Any], name: str, path: Path) -> Pem | None:
    data = body.get(f"{name}-data")
    if data:  # the data wins over the file, as in client-go
        try:
            text = base64.b64decode("".join(data.split()), validate=True).decode("ascii")
        except (AttributeError, TypeError, ValueError):
            raise BadInputError(f"kubeconfig {path}: {name}-data is not base64 of a PEM text") from None
        return Pem(text, f"{name}-data of {path}")
    named = body.get(name)
    if not named:
        return None
    if not isinstance(named, str):
        raise BadInputError(f"kubeconfig {path}: {name} is not a path")
    file = path.parent / Path(named).expanduser()
    return Pem(read_text(file, name), str(file), from_file=True)


def read_token(path: Path) -> str:
    """A bearer token: the one line of ``path``. Raises ``BadInputError`` without showing any of it."""
    token = read_text(path, "token file").strip()
    if not token:
        raise BadInputError(f"token file {path} is empty")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadInputError(f"token file {path} does not hold one token on one line")
    return token
