"""What the name of a file in a folder says: whether it may be a log, and which log it is a rotation of.

Rotations of ``X`` are ``X.1`` and ``X.2.gz`` (logrotate), ``X-DATE.gz`` and ``X.DATE`` (dateext, kubelet), and
``X@….journal`` (journald). Where there is no ``X``, only a name that logs have makes such names rotations:
``10.0.0.1`` and ``10.0.0.2`` are two hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from analyzer.sources.bundles import OTHER_PART, Bundles
from analyzer.sources.log_choice import left_out_by_name
from analyzer.sources.pod_files import OTHER_POD, other_pod

_ENDS = ("", ".gz", ".bz2", ".xz", ".zst")
_PACKED = r"(?:\.(?:gz|bz2|xz|zst))?"
_NUMBERED = re.compile(rf"(?P<base>.+)\.(?P<number>\d{{1,3}}){_PACKED}")
_DATED = re.compile(
    rf"(?P<base>.+?)[-.](?P<date>(?:19|20)\d\d(?:-[01]\d-[0-3]\d|[01]\d[0-3]\d)(?:[-_T.]?\d[\d:-]{{1,15}})?){_PACKED}"
)
_JOURNAL = re.compile(
    r"(?P<base>.+)@(?:[0-9a-f]{32}-[0-9a-f]{16}-(?P<closed>[0-9a-f]{16})\.journal"
    r"|(?P<broken>[0-9a-f]{16})-[0-9a-f]{16}\.journal~)"
)
_OF_USER = re.compile(r"user-\d+\.journal")
_MACHINE = "system.journal"
_PACKED_END = re.compile(r"\.(?:gz|bz2|xz|zst)$")
_VERSION = re.compile(r"(?:\d\.\d+|(?:^|[^A-Za-z])v\d+)$")  # with ".1" behind it: a version or an address
_LOG_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,9}$|^(?:syslog|messages)$")

_When = tuple[int, int]
_LAST: _When = (2, 0)  # the file that is written to is the youngest
_NO_BUNDLES = Bundles("")


class File(NamedTuple):
    """A file as it was listed; ``path`` is how it is opened."""

    base: str  # its name in its folder
    path: str
    size: int
    mtime_ns: int


Group = tuple[str, list[File]]  # the path that names an input, and its files from the oldest on


def left_out_by_path(inner: str, whole: str = "") -> str | None:
    """Why a file of a folder is no log, by its path in there (``whole``: from the root); ``None``: it may be one."""
    if inner.endswith(("systeminfo/date", "systeminfo/hostname")):
        return OTHER_PART
    why = _NO_BUNDLES.unwanted(inner) or left_out_by_name(inner)
    return why or (OTHER_POD if other_pod(whole or inner) else None)


def grouped(files: Iterable[File]) -> list[Group]:
    """The files of one folder as inputs, in order of name."""
    files = sorted(files)
    names = {file.base for file in files}
    told = {name: _unrotated(name, names) for name in names}
    rotated = {base for name, (base, _) in told.items() if base != name}
    machine = any(base == _MACHINE for base, _ in told.values())
    groups: dict[str, list[tuple[_When, File]]] = {}
    for file in files:
        base, when = told[file.base]
        packed = _PACKED_END.sub("", base)
        if packed != base and packed in rotated and packed not in names:  # X.gz, whose rotations are X.1.gz …
            if all(known != _LAST for known, _ in groups.get(packed, ())):
                base = packed
        elif machine and _OF_USER.fullmatch(base):
            base = _MACHINE
        groups.setdefault(base, []).append((when, file))
    return [
        (_first(base, parts), [file for _, file in sorted(parts, key=itemgetter(0, 1))])
        for base, parts in groups.items()
    ]


def _unrotated(name: str, names: set[str]) -> tuple[str, _When]:
    """The name that a file had before it was rotated, if it was, and what puts it in order among the others."""
    base, when = name, _LAST
    if (match := _JOURNAL.fullmatch(name)) is not None:
        return match["base"] + ".journal", (0, int(match["closed"] or match["broken"], 16))
    if (match := _DATED.fullmatch(name)) is not None:
        digits = re.sub(r"\D", "", match["date"])[:18]
        base, when = match["base"], (0, int(digits.ljust(18, "0")))
    elif (match := _NUMBERED.fullmatch(name)) is not None and _VERSION.search(match["base"]) is None:
        base, when = match["base"], (1, -int(match["number"]))
    if base != name and (any(base + end in names for end in _ENDS) or _LOG_NAME.search(base) is not None):
        return base, when
    return name, _LAST


def _first(base: str, parts: Sequence[tuple[_When, File]]) -> str:
    """The path of the file that is not rotated, or of the first one by name."""
    current = {base + end for end in _ENDS}
    return next((file.path for when, file in parts if when == _LAST and file.base in current), parts[0][1].path)
