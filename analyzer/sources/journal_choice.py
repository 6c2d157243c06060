"""Which entries of a whole node's journal have to do with k3s or RKE2: told from shared fields, before any is decoded.

Kept are the entries of, and PID 1's about, every unit, identifier or program with k3s or RKE2 in its name; what moves
or sets the clock; the kernel's first line and network-online; and lines of the kernel and of journald that name k3s
or RKE2 or tell of a lack of memory.
"""

from __future__ import annotations

import re
from enum import Enum

_NAME_KEYS = frozenset(
    (b"_SYSTEMD_UNIT", b"UNIT", b"OBJECT_SYSTEMD_UNIT", b"SYSLOG_IDENTIFIER", b"_COMM", b"_EXE", b"USER_UNIT",
     b"_SYSTEMD_USER_UNIT", b"CONTAINER_NAME", b"CONTAINER_TAG", b"IMAGE_NAME", b"COREDUMP_UNIT", b"COREDUMP_COMM")
)  # fmt: skip
# In small letters: what is searched is made small first, a sixth of the time of a search that looks for both.
_OURS = re.compile(rb"k3s|rke2|k3d")
_CLOCK = re.compile(rb"timesync|chrony|ntpd|ntpsec|ptp4l|phc2sys|oomd|^network-online\.target$")
_TIME_CHANGED = b"MESSAGE_ID=c7a787079b354eaaa9e77b371893cd27"
_SUPPRESSED = b"MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e"
_KERNEL = b"_TRANSPORT=kernel"
_MESSAGE = re.compile(rb"k3s|rke2|linux version \d|out of memory|oom[-_ ]?kill|oom_reaper|killed process")
BANNERS = re.compile(rb"Starting (?:k3s|rke2|K3s|RKE2) (?:agent )?v\d")
_KNOWN_LIMIT = 300_000

FIELDS = _NAME_KEYS | {_KERNEL.partition(b"=")[0], _SUPPRESSED.partition(b"=")[0]}
"""Names of the fields whose values can have a bearing."""
LOOKED_AT = 160
"""Bytes of a value that are looked at, its name included."""


class Bearing(Enum):
    """What a value says of the entries that hold it."""

    NONE = 0
    MAYBE = 1  # wanted if the text of the message is
    CLOCK = 2
    OURS = 3  # a name of k3s or RKE2


def bearing(payload: bytes) -> Bearing:
    """The bearing of ``KEY=value``, of which the first ``LOOKED_AT`` bytes are enough."""
    key, _, value = payload.partition(b"=")
    if key in _NAME_KEYS:
        value = value.lower()
        if _OURS.search(value) is not None:
            return Bearing.OURS
        return Bearing.NONE if _CLOCK.search(value) is None else Bearing.CLOCK
    if key not in FIELDS:
        return Bearing.NONE
    if payload in (_KERNEL, _SUPPRESSED):
        return Bearing.MAYBE
    return Bearing.CLOCK if payload == _TIME_CHANGED else Bearing.NONE


class Choice:
    """Offsets of DATA objects by what they say about the entries that hold them.

    ``known`` are those looked at, ``hot`` makes an entry wanted, ``maybe`` leaves it to the text of the message.
    ``own`` are the hot ones that have a name of k3s or RKE2; ``ours`` tells whether any was met at all.
    """

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.hot: set[int] = set()
        self.own: set[int] = set()
        self.maybe: set[int] = set()
        self.ours = False

    def forget_when_full(self) -> None:
        """Keep memory bounded; what is forgotten is looked at again. Not while an entry is looked at."""
        if len(self.known) >= _KNOWN_LIMIT:
            self.known.clear()
            self.hot.clear()
            self.own.clear()
            self.maybe.clear()

    def learn(self, offset: int, payload: bytes, shared: int) -> None:
        """Look at the begin of a DATA object's ``KEY=value``; ``shared``: how many entries hold it."""
        if shared > 1:  # what one entry holds is never met again
            self.known.add(offset)
        if payload.startswith(b"MESSAGE="):
            return
        found = bearing(payload)
        if found is Bearing.MAYBE:
            self.maybe.add(offset)
        elif found is not Bearing.NONE:
            self.hot.add(offset)
            if found is Bearing.OURS:
                self.own.add(offset)
                self.ours = True

    @staticmethod
    def of_message(text: bytes) -> bool:
        """Whether the text of an entry that may be wanted makes it wanted."""
        return _MESSAGE.search(text.lower()) is not None
