"""What a reader should know of the knowledge behind a report: releases newer than any known here, and RKE2.

Each note begins with its id, names what it is about and says what that means for the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.events.versions import is_unverified, newest_minor
from analyzer.results import StartReport
from analyzer.window import Bound

Note = tuple[int, str]  # source, text


def about_releases(starts: Sequence[StartReport]) -> list[Note]:
    """A note for each release newer than the newest known one, and one when what is said of RKE2 rests on rules."""
    found: dict[str, Note] = {}
    for start in starts:
        if is_unverified(start.version):
            text = _unverified(start.version or "")
            found.setdefault(text, (start.source, text))
        if start.product == "rke2" and _by_rules(start):
            found.setdefault(_RKE2, (start.source, _RKE2))
    return list(found.values())


_RKE2 = (
    "rke2_by_source: no RKE2 server was ever recorded for this program; what is concluded here from the order of its"
    " start-up and from witness lines rests on its source alone"
)


def _unverified(version: str) -> str:
    known = "{}.{}".format(*newest_minor())
    return (
        f"unverified_release: {version} is newer than Kubernetes {known}, the newest whose lines were checked; its"
        f" start was read by the rules and the check list of {known}, so a bound that rests on a witness may be wrong"
    )


def _by_rules(start: StartReport) -> bool:
    """Whether any number of a start rests on more than what a line says itself."""
    parts = (*(check.cleared for check in start.checks), *(goal.window for goal in start.goals))
    windows = (start.ready, start.detected, *parts)
    return any(Bound.WITNESS in (window.lower_kind, window.upper_kind) for window in windows)
