"""Journal Export Format, as systemd documents it: ``FIELD=value``, or the length of a value before its bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from analyzer.records.carriers.carrier import Carrier, Opened
from analyzer.records.carriers.journal_fields import MESSAGE_LIMIT, TEXT_KEYS, from_bytes
from analyzer.records.counted_lines import counted
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.sources.raw_lines import RawLine
from analyzer.sources.scan import BIG, export_candidates

_BEGIN = re.compile(rb"(?:__CURSOR|__REALTIME_TIMESTAMP|__MONOTONIC_TIMESTAMP|_BOOT_ID|__SEQNUM)=")
_KEY = re.compile(rb"[A-Z0-9_]{1,64}\Z")
_LONGEST_KEY = 64
# Fields that journald gives an entry once; others (_UDEV_DEVLINK) may come more often.
_ONCE = frozenset({
    "__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "_MACHINE_ID", "_HOSTNAME", "_TRANSPORT",
    "_PID", "_UID", "_GID", "_COMM", "_SYSTEMD_UNIT",
})  # fmt: skip
_IDS = ("_BOOT_ID", "_MACHINE_ID", "_SYSTEMD_INVOCATION_ID")
# sd-id128(3): 32 hexadecimal digits; whoever writes entries by hand may call a boot what he likes, but shortly.
_ID = re.compile(rb"(?!(?!.{32}\Z)[0-9a-f]{9,}\Z)[0-9A-Za-z-]{1,64}\Z")
_UNIT = re.compile(rb".*\.(?:service|scope|slice|socket|mount|automount|timer|target|device|swap|path)\Z", re.DOTALL)
_OWN_TIME = re.compile(rb'(?:time="\d{4}-\d\d-\d\dT\d\d|[IWEF]\d{4} \d\d):([0-5]\d):([0-5]\d)')
_ID_LENGTH = 32
_QUARTER_S, _AHEAD_S = 900, 2  # zones differ by quarters of an hour
_DAMAGED = "damaged entry"
_PROCESSES = 256  # whose clocks are remembered
_ENTRY_LIMIT = 1024  # fields of one entry; real ones have about 25


@lru_cache(maxsize=512)
def _known(key: bytes) -> str | None:
    return key.decode() if _KEY.match(key) else None


def _name(key: bytes) -> str | None:
    """A field's name, which every entry has again; ``None`` for what cannot be one."""
    return _known(key) if len(key) <= _LONGEST_KEY else None


@lru_cache(maxsize=512)
def _is_id(value: bytes) -> bool:
    return _ID.match(value) is not None


@lru_cache(maxsize=512)
def _is_unit(value: bytes) -> bool:
    return _UNIT.match(value) is not None


class Joints:
    """Finds entries that a hole made of two: the stamps of one, the message of a later one.

    A message is not received before it is written. So the time that a process puts into it does not run ahead of both
    clocks of its entry by more than it ever did; where the realtime clock was set, it may of that one, and stays so.
    An identity that is none was broken by the hole, if the text has whole ones: who shortens or renames them, to hide
    them or because he writes by hand, does so everywhere.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], _Ahead] = {}  # by boot and process
        self._whole: set[str] = set()  # identities of which a whole one was seen

    def of_two(self, fields: Mapping[str, bytes]) -> bool:
        """Whether the next entry of a text is of two."""
        if self._is_broken(fields):
            return True
        own = _OWN_TIME.match(fields.get("MESSAGE", b""))
        stamps = [fields.get(name, b"") for name in ("__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP")]
        if own is None or not all(stamp.isdigit() and len(stamp) <= 18 for stamp in stamps):
            return False
        written_s = int(own[1]) * 60 + int(own[2])
        ahead = (written_s - int(stamps[0]) / 1e6, written_s - int(stamps[1]) / 1e6)
        process = fields.get("_BOOT_ID", b""), fields.get("_PID", b"")
        before = self._known.get(process)
        if before is not None:
            return before.odd(ahead)
        if len(self._known) >= _PROCESSES:
            self._known.clear()
        self._known[process] = _Ahead(ahead)
        return False

    def _is_broken(self, fields: Mapping[str, bytes]) -> bool:
        """Whether an identity is none, beside whole ones; a unit has its type behind a dot (systemd.unit(5))."""
        for name in _IDS:
            value = fields.get(name)
            if value is None:
                continue
            if not _is_id(value) and name in self._whole:
                return True
            if len(value) == _ID_LENGTH and _is_id(value):
                self._whole.add(name)
        unit = fields.get("_SYSTEMD_UNIT", b"")
        return b"." in unit and not _is_unit(unit)


class _Ahead:
    """By how much the messages of one process ran ahead of the realtime and of the monotonic clock, at most."""

    def __init__(self, first: tuple[float, float]) -> None:
        self._most = first
        self._doubted: float | None = None  # the last one, if that was too much

    def odd(self, ahead: tuple[float, float]) -> bool:
        """Whether a message runs further ahead than any did; what two in a row agree on is no hole."""
        more = [_turned(new - most) for new, most in zip(ahead, self._most, strict=True)]
        again = self._doubted is not None and abs(_turned(ahead[0] - self._doubted)) <= _AHEAD_S
        odd = min(more) > _AHEAD_S and not again
        self._doubted = ahead[0] if odd else None
        if not odd:
            realtime, monotonic = (most + max(0.0, by) for most, by in zip(self._most, more, strict=True))
            self._most = (realtime, monotonic)
        return odd


def _turned(seconds: float) -> float:
    """A difference of two times of day whose zone nobody knows, to the nearest quarter of an hour."""
    return (seconds + _QUARTER_S / 2) % _QUARTER_S - _QUARTER_S / 2


class _Entry:
    """The fields of one entry, as far as it was read."""

    def __init__(self) -> None:
        self.fields: dict[str, bytes] = {}
        self.bad = False  # its framing is damaged
        self.lossy = False

    def take(self, row: bytes, stream: io.BufferedIOBase) -> None:
        """One more line of the entry, and of ``stream`` what belongs to it."""
        if self.bad:
            return
        whole = row.endswith(b"\n")
        key, equals, value = row.partition(b"=")
        name = _name(key if equals else row[:-1])
        if equals and name is not None:
            self._put(name, value[:-1] if whole else value)
            if not whole and len(row) >= MESSAGE_LIMIT:
                self.lossy = True
                while not stream.readline(MESSAGE_LIMIT).endswith(b"\n"):
                    if not stream.readline(1):
                        break
        elif whole and not equals and name is not None:
            self._binary(name, stream)
        else:
            self.bad = True

    def _binary(self, name: str, stream: io.BufferedIOBase) -> None:
        length = int.from_bytes(stream.read(8), "little")
        if length > 1 << 32:  # no length at all: what follows is the rest of the entry, and other entries
            self.bad = True
            return
        value = stream.read(min(length, MESSAGE_LIMIT + 1))
        left = length - len(value)
        while left > 0 and (skipped := stream.read(min(left, 1 << 20))):
            left -= len(skipped)
        if left > 0:
            self.lossy = True
        elif stream.read(1) not in (b"\n", b""):
            self.bad = True
            return
        self._put(name, value)

    def _put(self, name: str, value: bytes) -> None:
        if name in _ONCE and name in self.fields:  # the end of one entry, the rest of another: whose is the stamp?
            self.bad = True
        elif len(self.fields) < _ENTRY_LIMIT:
            self.fields[name] = value


def read_export(
    stream: io.BufferedIOBase, tally: Tally, first: int = 1, most: int | None = None, joints: Joints | None = None
) -> Iterator[Draft]:
    """Journal Export Format from its bytes; ``first`` is the number of the first entry. Ends after ``most`` bytes.

    Damaged framing costs one entry: reading goes on after the next empty line.
    """
    number, size = first - 1, 0  # of what was read, but for binary values
    passed = False  # the entry before was damaged
    entry: _Entry | None = None
    joints = joints or Joints()
    while row := stream.readline(MESSAGE_LIMIT):
        size += len(row)
        if row not in (b"\n", b"\r\n"):
            if entry is None:
                entry, number = _Entry(), number + 1
                tally.lines += 1
            entry.take(row, stream)
        elif entry is not None:
            yield from _drafts(entry, tally, number, passed, joints)
            passed, entry = entry.bad, None
            if most is not None and size >= most:
                return
    if entry is not None:
        yield from _drafts(entry, tally, number, passed, joints)


def export_entries(stream: io.BufferedIOBase) -> Iterator[dict[str, bytes]]:
    """The fields of every entry, of a damaged one those before the damage."""
    entry: _Entry | None = None
    while row := stream.readline(MESSAGE_LIMIT):
        if row not in (b"\n", b"\r\n"):
            entry = entry or _Entry()
            entry.take(row, stream)
        elif entry is not None:
            yield entry.fields
            entry = None
    if entry is not None:
        yield entry.fields


def as_export(fields: Mapping[str, bytes]) -> bytes:
    """One entry in Journal Export Format."""
    rows = [
        b"%s\n%s%s\n" % (key.encode(), len(value).to_bytes(8, "little"), value)
        if b"\n" in value
        else b"%s=%s\n" % (key.encode(), value)
        for key, value in fields.items()
        if key
    ]
    return b"".join((*rows, b"\n"))


_NEEDED = {key.encode(): key for key in (*TEXT_KEYS, *_ONCE, *_IDS)}


def plain_drafts(entry: bytes, tally: Tally, number: int, joints: Joints) -> list[Draft] | None:
    """What ``read_export`` gives of one entry that is known to have only ``FIELD=value`` lines, none too long.

    ``None``, and nothing counted: it is damaged.
    """
    fields: dict[str, bytes] = {}
    for row in entry.split(b"\n"):
        key, _, value = row.partition(b"=")
        if (name := _NEEDED.get(key)) is not None:
            if name in fields and name in _ONCE:
                return None
            fields[name] = value
    tally.lines += 1
    if joints.of_two(fields):
        tally.spoil(number, _DAMAGED)
        return []
    return from_bytes(fields, tally, number, False)


def _drafts(entry: _Entry, tally: Tally, number: int, passed: bool, joints: Joints) -> list[Draft]:
    entry.bad = entry.bad or joints.of_two(entry.fields)
    drafts = [] if entry.bad else from_bytes(entry.fields, tally, number, entry.lossy)
    if passed and drafts:
        drafts[0].gap_before = drafts[0].lost_before = True
    if entry.bad:
        tally.spoil(number, _DAMAGED)
    if entry.lossy:
        tally.lose(number, "value longer than its entry or than 256 KiB cut")
    return drafts


def _read(opened: Opened, tally: Tally) -> Iterator[Draft]:
    tally.format = "export"
    reader = opened.reader
    key = reader.peek(4096)[:65536].lstrip().partition(b"=")[0]
    joints = Joints()
    if not opened.big:
        yield from read_export(reader, tally, most=BIG, joints=joints)
    if not reader.peek(1):
        return
    first = tally.lines + 1
    rest = export_candidates(reader, key, first)
    for entry in counted(rest, tally, first):
        yield from of_entry(entry, tally, entry.number, joints)


def of_entry(entry: RawLine, tally: Tally, number: int, joints: Joints | None = None) -> Iterator[Draft]:
    """Drafts of one entry that the fast scan kept."""
    gap = entry.gap
    for draft in read_export(io.BytesIO(entry.data), tally, number, joints=joints):
        draft.gap_before = draft.gap_before or gap
        gap = False
        yield draft


EXPORT = Carrier("export", Outer.UTC, ("export",), begins=lambda head: _BEGIN.match(head) is not None, read=_read)
