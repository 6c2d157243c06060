"""Releases: reading version strings, how each release waits for readiness, and which checks it lists.

Facts come from ``versions.toml``. What a release is not known to do is ``None`` or the cautious answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from analyzer.events.vocabulary import load, minor, read_as
from analyzer.timebase import DAY

_VERSION = re.compile(
    r"(?<![\w.])v?(?P<major>\d{1,2})\.(?P<minor>\d{1,3})\.(?P<patch>\d{1,3})"
    r"(?P<pre>-[0-9A-Za-z.-]+)?(?:\+(?P<build>[0-9A-Za-z.-]+))?"
)
_RELEASE_BUILD = re.compile(r"(?:k3s|rke2r)\d+\Z")


@dataclass(frozen=True, slots=True)
class Version:
    """A release of k3s, RKE2 or Kubernetes; ``suffix`` is what follows the patch number (``+k3s1``, ``-rc1+k3s1``)."""

    major: int
    minor: int
    patch: int
    suffix: str = ""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """For comparing releases; the suffix does not take part."""
        return self.major, self.minor, self.patch

    @property
    def kubernetes_minor(self) -> tuple[int, int]:
        """``(1, 33)``."""
        return self.major, self.minor

    @property
    def product(self) -> str:
        """``k3s``, ``rke2``, or ``unknown`` for a bare Kubernetes version."""
        if "k3s" in self.suffix:
            return "k3s"
        return "rke2" if "rke2" in self.suffix else "unknown"

    @property
    def is_development(self) -> bool:
        """A build of a branch (``v1.29.15+k3s-5aac2aaf``): its number is that of the last release before it."""
        _, plus, build = self.suffix.partition("+")
        return bool(plus) and _RELEASE_BUILD.match(build) is None

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}{self.suffix}"


def parse_version(text: str | None) -> Version | None:
    """Read ``v1.33.4+k3s1``, ``1.34.3+k3s3`` (NixOS), ``v1.30.4+rke2r1``, ``v1.29.15+k3s-5aac2aaf``; else ``None``."""
    found = _VERSION.match((text or "").strip())
    if found is None:
        return None
    build = found["build"]
    suffix = (found["pre"] or "") + (f"+{build}" if build else "")
    return Version(int(found["major"]), int(found["minor"]), int(found["patch"]), suffix)


@dataclass(frozen=True, slots=True)
class PollerSpec:
    """How a release asks for readiness. Seconds; ``None`` means unknown or without limit.

    ``pollers`` is how many callers ask independently, each with its own phase; ``round_s`` is the length of one round
    of the server's own waiter, after which it prints its waiting line again.
    """

    kind: str  # shared-2s | legacy-4x1s | legacy-30s | unknown
    interval_s: float | None = None
    prints_polls: bool | None = None
    request_limit_s: float | None = None
    round_s: float | None = None
    pollers: int = 0


@cache
def poller(kind: str) -> PollerSpec:
    """The facts of one kind of poller.

    :raises KeyError: no such kind.
    """
    return read_as(PollerSpec, load("versions.toml")["pollers"][kind], kind=kind)


def _boundaries(section: str) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for text in load("versions.toml")[section]["first"]:
        first = parse_version(text)
        assert first is not None
        found[first.kubernetes_minor] = first.patch
    return found


def past(version: Version | None, section: str) -> bool | None:
    """Whether ``version`` is at or past the boundary of its minor.

    ``None``: it is not known, or a build between two releases at the boundary.
    """
    if version is None:
        return None
    bounds = _boundaries(section)
    first = bounds.get(version.kubernetes_minor)
    if first is None:
        return version.kubernetes_minor > max(bounds)
    if version.patch < first and version.is_development and version.patch == first - 1:
        return None
    return version.patch >= first


def poller_for(version: str | None) -> PollerSpec:
    """The poller of a release; kind ``unknown`` for none, an unreadable one or a development build at a boundary."""
    parsed = parse_version(version)
    if parsed is None:
        return poller("unknown")
    shared = past(parsed, "shared_poller")
    dev_only = {minor(text) for text in load("versions.toml")["shared_poller"]["dev_only"]}
    if shared is None or (parsed.is_development and parsed.kubernetes_minor in dev_only):
        return poller("unknown")
    if shared:
        return poller("shared-2s")
    return poller("legacy-30s" if parsed.kubernetes_minor <= (1, 21) else "legacy-4x1s")


def ready_line_on_cancel(version: str | None) -> bool:
    """Whether ``Kube API server is now running`` may also be printed because the wait was cancelled.

    True unless the release is known to print it on success only: after a sign of stop the line then proves nothing.
    """
    return past(parse_version(version), "closed_on_success_only") is not True


def up_line_gated(version: str | None, us: int | None = None) -> bool:
    """Whether a server's ``up and running`` stands behind the wait for its API server.

    Without a known release by the moment of the line (µs since 1970, UTC): one of before the wait was written is of an
    older release.
    """
    parsed = parse_version(version)
    if parsed is not None:
        return past(parsed, "up_line_gated") is True
    first: date = load("versions.toml")["up_line_gated"]["before_day"]
    return us is None or us >= (first - date(1970, 1, 1)).days * DAY


def has_dqlite(version: str | None) -> bool:
    """Whether a release keeps the datastore of ``--cluster-init`` in dqlite."""
    parsed = parse_version(version)
    return parsed is not None and parsed.kubernetes_minor <= minor(load("versions.toml")["dqlite"]["last"])


def prints_signal(version: str | None) -> bool:
    """Whether a release is known to log the signal with which it is asked to stop (at the default level)."""
    known = load("versions.toml")["signal_printed"]
    asked, first, last = parse_version(version), parse_version(known["first"]), parse_version(known["last"])
    if asked is None or first is None or last is None:
        return False
    return first.numbers <= asked.numbers <= last.numbers


def exit_zero_on_failure(version: str | None) -> bool | None:
    """Whether a failed start may end with exit status 0; ``None`` for an unknown release."""
    return past(parse_version(version), "exit_zero_on_failure")


@cache
def newest_minor() -> tuple[int, int]:
    """The newest Kubernetes minor whose rules and check list were looked at."""
    return minor(load("versions.toml")["newest"])


def verified_minor(kubernetes_minor: tuple[int, int]) -> tuple[int, int]:
    """The minor whose rules and check list stand for this one: itself, or the newest one known for a later one."""
    return min(kubernetes_minor, newest_minor())


def is_unverified(version: str | None) -> bool:
    """Whether a release is newer than the newest one that was looked at."""
    parsed = parse_version(version)
    return parsed is not None and parsed.kubernetes_minor > newest_minor()


@cache
def _lists() -> dict[tuple[int, int], tuple[str, ...]]:
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    for raw in load("versions.toml")["list"]:
        low = minor(raw["since"])
        high = minor(raw["until"]) if "until" in raw else newest_minor()
        for number in range(low[1], high[1] + 1):
            found[low[0], number] = tuple(raw["checks"])
    return found


def known_minors() -> tuple[tuple[int, int], ...]:
    """The minors whose check lists are known, ascending."""
    return tuple(sorted(_lists()))


def check_list(kubernetes_minor: tuple[int, int]) -> tuple[str, ...]:
    """The full check names of ``/readyz`` in order, with default options; ``()`` for a minor that is not known.

    A minor newer than the newest known one is taken to have that one's list (``is_unverified``).
    """
    return _lists().get(verified_minor(kubernetes_minor), ())


def expected_checks(release: str | None) -> tuple[str, ...]:
    """The same for a release as it names itself; ``()`` for none."""
    version = parse_version(release)
    return check_list(version.kubernetes_minor) if version is not None else ()


@cache
def all_check_names() -> frozenset[str]:
    """Every check name of every known minor, and the optional ones."""
    return frozenset(name for names in _lists().values() for name in names) | optional_names()


@cache
def optional_names() -> frozenset[str]:
    """Names that depend on options and say nothing about the release."""
    return frozenset(load("versions.toml")["optional"]["names"])
