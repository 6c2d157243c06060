"""The order of the start-up: after and before which stage of it a line can be printed.

The knowledge is data (``sequence.toml``), each entry with its proof in the source. What a line is *printed after* was
reached by then, what it is *printed before* was not reached yet: so a line of code behind readiness bounds readiness
from above, and a message of code in front of it shows that the process was not ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from typing import Any

from analyzer.events.chain import begin_of
from analyzer.events.versions import Version, parse_version, past, ready_line_on_cancel
from analyzer.events.vocabulary import LazyPattern, load, read_as
from analyzer.records.grouping import grouped
from analyzer.records.log_record import LogRecord, Payload


class Stage(IntEnum):
    """What a start passes, in this order; the meaning of each is in ``sequence.toml``."""

    BANNER = 1
    DATASTORE = 2
    REQUESTED = 3
    SERVING = 4
    READY = 5  # k3s noticed that /readyz answers 200
    STARTED = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the sequence one kind of line can be printed, for some products, roles and releases.

    ``mark`` is the id of a line that the catalogue or the witnesses know. Lines that nothing else knows are recognised
    by ``head`` (or ``any``) and ``match``, from ``file`` or ``files`` (klog) or ``payload``.
    """

    id: str
    mark: str = ""
    head: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    match: LazyPattern | None = None
    file: str = ""
    files: frozenset[str] = frozenset()  # klog's source files of one component: any of them
    payload: frozenset[Payload] = frozenset()
    only_after: Stage | None = None
    only_before: Stage | None = None
    cancel: bool = False  # printed by code that a cancelled wait lets through as well, in releases that do so
    own_api: bool = False  # true of a process that runs an API server of its own, and of no other
    own_poller: bool = False  # before the shared poller another waiter than the server's own opens the gate
    product: str = ""  # k3s | rke2; empty: both
    role: str = ""  # server | agent; empty: both
    since: Version | None = None
    until: Version | None = None
    era: str = ""  # a boundary of versions.toml (``shared_poller`` …): releases from it on
    before_era: str = ""  # releases before it
    proof: str = ""

    def holds(self, product: str, role: str, version: str | None) -> bool:
        """Whether it is true of such a process. Of what is not known about it, every possibility must fit."""
        if self.product not in ("", product) or self.role not in ("", role):
            return False
        if not (self.since or self.until or self.era or self.before_era):
            return True
        release = parse_version(version)
        return (
            release is not None
            and (self.since is None or release.numbers >= self.since.numbers)
            and (self.until is None or release.numbers <= self.until.numbers)
            and (not self.era or past(release, self.era) is True)
            and (not self.before_era or past(release, self.before_era) is False)
        )

    def may_hold(self, product: str, role: str) -> bool:
        """Whether some release makes it true of such a process."""
        ours = not self.product or product in (self.product, "unknown")
        return ours and (not self.role or role in (self.role, "unknown"))

    def opened_by_cancel(self, version: str | None) -> bool:
        """Whether in this release a cancelled wait, too, leads to the code that prints the line.

        A poller of its own ends the process when it is cancelled.
        """
        alone = self.own_poller and past(parse_version(version), "shared_poller") is False
        return self.cancel and not alone and ready_line_on_cancel(version)

    def matches(self, message: str, file: str, payload: Payload) -> bool:
        """Whether a line is of this kind, judged by its text."""
        return (
            (not self.payload or payload in self.payload)
            and (not self.file or payload is not Payload.KLOG or file == self.file)
            and (not self.files or (payload is Payload.KLOG and file in self.files))
            and (not self.head or message.startswith(self.head))
            and (not self.any or any(part in message for part in self.any))
            and (self.match is None or self.match.search(message) is not None)
        )


HOOK_FAILING = Place(
    "hook_failing",
    only_before=Stage.READY,
    proof="a post-start hook's check turns OK once and never goes back (apiserver hooks.go); /readyz holds all of them",
)
"""Of a report that lists a post-start hook as failing, whoever asked."""


def _compile(raw: Mapping[str, Any]) -> tuple[Place, ...]:
    stages = {key: Stage[raw[key].upper()] for key in ("only_after", "only_before") if key in raw}
    releases = {key: parse_version(raw.get(key)) for key in ("since", "until")}
    place = read_as(Place, raw, **stages, **releases)
    return tuple(replace(place, mark=mark) for mark in raw.get("marks", ("",)))


@cache
def places() -> tuple[Place, ...]:
    """All entries, in file order."""
    return tuple(place for raw in load("sequence.toml")["line"] for place in _compile(raw))


@cache
def _by_mark() -> Mapping[str, tuple[Place, ...]]:
    return grouped((place.mark, place) for place in places() if place.mark)


def of_mark(mark: str) -> Sequence[Place]:
    """Where lines of a catalogue id can be printed."""
    return _by_mark().get(mark, ())


_KEY = 6


@cache
def _by_text() -> tuple[Mapping[str, tuple[Place, ...]], Mapping[str, tuple[Place, ...]], tuple[Place, ...]]:
    unnamed = [place for place in places() if not place.mark]
    without_file = [place for place in unnamed if not place.files]
    heads = grouped((key, place) for place in without_file for key in {head[:_KEY] for head in place.head})
    files = grouped((name, place) for place in unnamed for name in place.files)
    return heads, files, tuple(place for place in without_file if not place.head)


def of_line(record: LogRecord) -> Sequence[Place]:
    """The entries for lines that nothing else knows which fit this line, whatever its process is."""
    message = record.message
    text = message[1:] if message[:1] == '"' else message
    heads, files, rest = _by_text()
    tried = (*heads.get(text[:_KEY], ()), *files.get(record.file, ()), *rest)
    return [place for place in tried if place.matches(text, record.file, record.payload)]


_TELLING = 8  # characters of a wrapper that a cut message must show


@cache
def _wrappers() -> tuple[Place, ...]:
    return tuple(place for raw in load("sequence.toml").get("wrapper", ()) for place in _compile(raw))


def of_failure(text: str, *, cut: bool = False) -> Sequence[Place]:
    """The entries for the wrappers of a failure's message, from the outside in; of a cut one, all that it may begin.

    ``Error: preparing server: failed to …`` was returned by the code that prepares the server, whatever failed in it.
    """
    text = text.lstrip('"\\')
    bare = text[begin_of(text) :].lstrip('"\\')
    found = tuple(p for p in _wrappers() if p.matches(bare, "", Payload.LOGRUS))
    if found or not cut:
        return found
    shown = bare.rstrip(" .…>")
    if len(shown) < _TELLING:
        return ()
    possible = tuple(p for p in _wrappers() if any(head.startswith(shown) for head in p.head))
    # What may begin a message of code in front of readiness as well as one behind it says nothing.
    return possible if len({p.only_before is None for p in possible}) == 1 else ()
