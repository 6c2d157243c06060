"""What an input is: a name, and a way to open it once as a stream of bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from analyzer.sources.pod_files import Pod

Bytes = BinaryIO | io.RawIOBase


@dataclass(slots=True)
class Bundle:
    """What one support bundle says about all of its files; filled while it is read, complete at its end.

    ``wall`` is when it was made: local time of the node in µs since 1970 as if that were UTC, ``offset_s`` its zone
    when it is beyond doubt, ``told_by`` where that stands ("systeminfo/date"). An upper bound for what is in it.
    """

    root: str
    wall: int | None = None
    offset_s: int | None = None
    told_by: str = ""
    host: str | None = None


@dataclass(slots=True)
class Input:
    """One thing to read, named as the report's ``sources[].path``.

    ``open`` may be called once, and only until the next input is taken from ``expand``: members of an archive are
    parts of one stream. ``size`` is in bytes, as stored. ``path`` is set for a regular file that may be opened again.
    ``position`` and ``total`` tell how far the archive around it is read. Where ``size`` of an unknown one
    is ``None``, what ``open`` gives may know it (an attribute ``size``).
    """

    name: str
    open: Callable[[], Bytes]
    size: int | None = None
    path: str | None = None
    bundle: Bundle | None = None
    container: str = ""  # the folder or archive it came out of, as named by the user
    position: Callable[[], int] | None = None
    total: int | None = None
    pod: Pod | None = None  # it is the log of one of RKE2's static pods
    unknown: bool = False  # not looked into yet: it may be an archive or a support bundle
