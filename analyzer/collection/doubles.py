"""Whether a start was met before, in the same input or another one.

Equal keys are one start. But the key of a start goes by what its log shows: systemd's invocation in a journal export,
the second in which it began in a text. So a start is also known again where the kinds of key differ, by its host, its
process, and when it began.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from analyzer.collection.model import StartRow

# Two logs of one moment differ by what their timestamps leave out, and by what the journal took to write it down. In
# that time no process id comes round again.
_NEAR = timedelta(seconds=3)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_Seen: TypeAlias = tuple[datetime, int, str]  # when it began, the kind of its key, its input
_KINDS = (
    re.compile(r"/[0-9a-f]{12}\Z"),  # an invocation
    re.compile(r"/[0-9a-f]{12}/\d{1,10}\Z"),  # boot and process
)


class Met:
    """The starts met so far, in the order of the inputs; which of two alike is the first depends on that order alone.

    A start without a key is no other's double.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._by_process: dict[tuple[str, int, int], list[_Seen]] = {}

    def again(self, start: StartRow) -> bool:
        """Whether it was met already; from now on it was."""
        if not start.key:
            return False
        if start.key in self._keys:
            return True
        self._keys.add(start.key)
        if start.host is None or start.pid is None or start.began_at is None:
            return False
        own = (start.began_at, _kind(start.key), start.input)
        place = (start.began_at - _FIRST) // _NEAR
        near = (self._by_process.get((start.host, start.pid, place + step), ()) for step in (-1, 0, 1))
        found = any(_are_one(own, other) for others in near for other in others)
        self._by_process.setdefault((start.host, start.pid, place), []).append(own)  # a third log may be nearer to it
        return found


def _kind(key: str) -> int:
    return next((number for number, kind in enumerate(_KINDS) if kind.search(key) is not None), len(_KINDS))


def _are_one(one: _Seen, other: _Seen) -> bool:
    """Keys of one kind would be equal: in a container process 1 may well begin again within seconds."""
    return one[1] != other[1] and one[2] != other[2] and abs(one[0] - other[0]) <= _NEAR
