"""Which server to ask and with what credentials, from options, kubeconfig and defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.errors import BadInputError, UsageError
from analyzer.live.kubeconfig import (
    K3S_KUBECONFIG,
    RKE2_KUBECONFIG,
    Access,
    Pem,
    default_paths,
    load,
    read_text,
    read_token,
)
from analyzer.live.transport import checked_server


@dataclass(frozen=True, slots=True)
class Target:
    """What the user said about the server; ``None`` is *not said*. ``env_kubeconfig`` is ``$KUBECONFIG``."""

    server: str | None = None
    kubeconfig: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token_file: Path | None = None
    insecure: bool = False
    env_kubeconfig: str | None = None
    own_kubeconfigs: tuple[Path, ...] = (K3S_KUBECONFIG, RKE2_KUBECONFIG)
    found: tuple[Path, ...] = ()  # kubeconfigs that were chosen before: whatever appears later, these are meant

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was named."""
        named = (self.kubeconfig, self.ca, self.cert, self.key, self.token_file)
        return tuple(path for path in named if path is not None)


def kubeconfigs_of(target: Target) -> tuple[Path, ...]:
    """The kubeconfigs to read, none where a server alone was named. Raises ``NotThereError``."""
    if target.found or (target.kubeconfig is None and target.server is not None):
        return target.found
    if target.kubeconfig is not None:
        return (target.kubeconfig,)
    return default_paths(target.env_kubeconfig, target.own_kubeconfigs)


def access_of(target: Target) -> Access:
    """The access that ``target`` means; what is said on the command line wins over the kubeconfig.

    With a server given, no kubeconfig is read unless it is named: its credentials are for its own cluster. What is not
    said is then the system's trust store and no credentials. Raises ``UsageError`` and ``BadInputError``.
    """
    if (target.cert is None) != (target.key is None):
        raise UsageError("--cert and --key must be given together")
    if target.insecure and target.ca is not None:
        raise UsageError("--insecure and --ca contradict each other")
    server = checked_server(target.server) if target.server is not None else None
    paths = kubeconfigs_of(target)
    access = load(paths) if paths else Access(server or "")
    try:
        access = replace(access, server=server or checked_server(access.server))
    except UsageError as problem:  # a file's fault, not the command line's
        raise BadInputError(f"kubeconfig: {problem.message}", hint=problem.hint) from None
    if target.ca is not None:
        access = replace(access, ca=_pem(target.ca, "CA file"), insecure=False)
    if target.insecure:
        access = replace(access, insecure=True)
    if target.cert is not None and target.key is not None:
        access = replace(
            access, cert=_pem(target.cert, "certificate file"), key=_pem(target.key, "key file"), token=None
        )
    if target.token_file is not None:
        access = replace(access, token=read_token(target.token_file))
        if target.cert is None:
            access = replace(access, cert=None, key=None)
    return replace(access, files=tuple(dict.fromkeys((*access.files, *target.files))))


def _pem(path: Path, what: str) -> Pem:
    return Pem(read_text(path, what), f"{what} {path}")
