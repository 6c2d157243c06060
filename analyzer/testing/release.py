"""What differs between releases, in one place: a thin reading of ``analyzer.events.versions`` plus wording."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.events import versions

_OLDEST_LIST = (1, 24)


@dataclass(frozen=True, slots=True)
class Release:
    """Facts of one release; ``minor`` is the number behind ``1.``."""

    version: str
    minor: int
    patch: int
    kind: str  # of poller
    interval_us: int
    checks: tuple[str, ...]
    cancel_closes: bool  # the readiness channel closes on cancellation, too
    exit_zero: bool  # a start that gives up ends with status 0

    @property
    def shared(self) -> bool:
        """The one poller that prints what it is told."""
        return self.kind == "shared-2s"

    @property
    def tries_service(self) -> bool:
        """Tries to create ``default/kubernetes`` before readiness (patches of one minor differ)."""
        return self.minor >= 32 or (self.minor, self.patch) in {(28, 4), (30, 3)}

    @property
    def structured_sync(self) -> bool:
        """``"Caches are synced" controller=…`` instead of ``Caches are synced for …``."""
        return self.minor >= 33

    @property
    def wraps_errors(self) -> bool:
        """HandleError lines are ``"Unhandled Error" err=…``."""
        return self.minor >= 32

    @property
    def says_signal(self) -> bool:
        """SIGTERM prints ``signal received: …``."""
        return self.minor >= 32 and self.cancel_closes

    @property
    def quotes_cause(self) -> bool:
        """A shutdown request quotes its cause once more (the patches before 1.35)."""
        return self.exit_zero and self.minor < 35

    @property
    def joins_with_newline(self) -> bool:
        """The two errors of the limit stand on two lines."""
        return self.minor >= 36


def release(version: str) -> Release:
    """Facts of ``version``.

    :raises ValueError: not a version, or one whose poller is not known.
    """
    parsed = versions.parse_version(version)
    spec = versions.poller_for(version)
    if parsed is None or spec.interval_s is None:
        raise ValueError(f"no release {version!r}")
    known = versions.known_minors()
    minor = min(max(parsed.kubernetes_minor, _OLDEST_LIST), known[-1])
    return Release(
        version=version,
        minor=parsed.minor,
        patch=parsed.patch,
        kind=spec.kind,
        interval_us=round(spec.interval_s * 1e6),
        checks=versions.check_list(minor),
        cancel_closes=versions.ready_line_on_cancel(version),
        exit_zero=bool(versions.exit_zero_on_failure(version)),
    )
