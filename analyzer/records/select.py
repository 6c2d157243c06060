"""Part of a log: one host, some units, one boot, a span of time; only where the text says enough to choose by."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from analyzer.errors import NoDataError, UsageError
from analyzer.records.log_record import ClockStep, LogRecord
from analyzer.records.log_records import LogRecords
from analyzer.timebase import SECOND, offset_of, parse_iso

_BOOT_ID = re.compile(r"[0-9a-f]{32}")
_INDEX = re.compile(r"[+-]?\d{1,6}")
_EPOCH = re.compile(r"@(\d{1,12})(?:\.(\d{1,6}))?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
# Behind the date at the earliest; a name of the zone database has a place in it.
_ZONE = re.compile(r"(?<=.{10}) ?(?:(Z|UTC)|([+-])(\d\d):?([0-5]\d)|(?<= )([A-Z]\w{1,30}(?:/[A-Z][\w+-]{1,30}){1,2}))$")
_FILLED_IN = datetime(2000, 1, 1), datetime(2001, 2, 2)  # noqa: DTZ001  what a text leaves out is told by these two
# Programs that write under these units; text carriers name the program alone.
_PROGRAMS = {"k3s": "k3s", "k3s-agent": "k3s", "rke2-server": "rke2", "rke2-agent": "rke2"}
LEFT_OUT = "not chosen by the options"


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a log is wanted; all that is set must hold.

    ``units`` are names with or without ``.service``. ``boot`` is a boot id, or an index as in ``journalctl -b``: 0 the
    last boot of each host, -1 the one before it, 1 the first. ``since`` and ``until`` are ``YYYY-MM-DD [HH:MM[:SS]]``,
    or any other way to write a date that can be read in one way only, with ``Z``, ``+HH:MM`` or a name such as
    ``Europe/Berlin`` behind, or else in the zone of the log; or ``@SECONDS`` since 1970. Both ends belong to it.
    """

    units: tuple[str, ...] = ()
    boot: str | None = None
    since: str | None = None
    until: str | None = None
    host: str | None = None

    def __bool__(self) -> bool:
        return bool(self.units) or any(v is not None for v in (self.boot, self.since, self.until, self.host))


def select(log_records: LogRecords, wanted: Selection) -> LogRecords:
    """The records that ``wanted`` leaves, numbered anew; what is left out counts as ignored, with a reason.

    Raises ``UsageError`` for values that cannot be understood and choices that the text does not allow, ``NoDataError``
    when nothing is left.
    """
    check(wanted)
    # The logs of static pods know neither boot nor unit: they stay beside whatever is chosen of the rest.
    records = [record for record in log_records.records if record.source not in log_records.pods]
    beside = log_records.records[len(records) :] if records else ()
    records = records or list(log_records.records)
    span = " and ".join(name for name, end in (("--since", wanted.since), ("--until", wanted.until)) if end)
    if records and wanted:
        for name, choose in (
            ("--host", wanted.host is not None and _of_host(wanted.host, records)),
            ("--boot", wanted.boot is not None and _of_boot(wanted.boot, records)),
            (span, (wanted.since or wanted.until) and _of_span(wanted.since, wanted.until, records)),
            ("--unit", bool(wanted.units) and _of_units(wanted.units, records)),
        ):
            if callable(choose):
                records = [record for record in records if choose(record)]
                if not records:
                    leave = "leave" if " and " in name else "leaves"
                    raise NoDataError(
                        f"{name} {leave} nothing of the log", hint=_what_there_is(name, log_records.records)
                    )
    records = [*records, *beside]
    return _renumbered(log_records, records) if len(records) < len(log_records.records) else log_records


def check(wanted: Selection) -> None:
    """Raises ``UsageError`` for values that mean nothing, before anything is read."""
    boot = wanted.boot
    if boot is not None and not _INDEX.fullmatch(boot) and not _BOOT_ID.fullmatch(boot.replace("-", "")):
        raise UsageError(
            f"{boot!r} is not a boot", hint="Give its id, or an index: 0 is the last boot, -1 the one before"
        )
    for option, value in (("--since", wanted.since), ("--until", wanted.until)):
        if value is not None and _moment(value) is None:
            raise UsageError(
                f"{option} {value!r} is not a moment of a log",
                hint="For example '2025-03-01 06:00', '2025-03-01T06:00:00Z', '2025-03-01 06:00+01:00' or @1740808800."
                " Words such as yesterday are understood for this machine's journal only",
            )


def _moment(text: str) -> tuple[int, bool] | None:
    """``(µs, whether it is UTC)``; a wall time of the log otherwise. A text without year, month and day means nothing.

    So does one that depends on the order of day and month, and a time that summer time skips or shows twice.
    """
    from dateutil import parser, tz

    epoch = _EPOCH.fullmatch(text)
    if epoch is not None:
        return int(epoch[1]) * SECOND + int((epoch[2] or "").ljust(6, "0")), True
    written = _ZONE.search(text)
    bare = text[: written.start()] if written is not None else text
    orders = (False,) if _ISO.match(text) else (False, True)
    try:
        found = {
            parser.parse(bare, default=default, dayfirst=first, tzinfos=_zone)
            for default in _FILLED_IN
            for first in orders
        }
        [moment] = found
        if written is not None:
            moment = moment.replace(tzinfo=_written_zone(written))
        if moment.tzinfo is not None and (not tz.datetime_exists(moment) or tz.datetime_ambiguous(moment)):
            return None
        instant = parse_iso(moment.isoformat())
    except (ValueError, OverflowError, TypeError):
        return None
    return None if instant is None else (instant.us, instant.offset_s is not None)


def _zone(name: str | None, offset_s: int | None) -> tzinfo | None:
    """A zone within a moment: other letters are ambiguous, and ``UTC+3`` is read in two ways."""
    if name is None and offset_s is None:
        return None
    if name not in ("UTC", "GMT") or offset_s:
        raise ValueError("no zone for certain")
    return UTC


def _written_zone(written: re.Match[str]) -> tzinfo:
    """The zone behind a moment."""
    from dateutil import tz

    utc, sign, hours, minutes, name = written.groups()
    if utc:
        return UTC
    if name is None:
        return timezone(timedelta(hours=int(sign + hours), minutes=int(sign + minutes)))
    found = tz.gettz(name)
    if found is None:
        raise ValueError("no such zone")
    return found


def _of_host(host: str, records: Iterable[LogRecord]) -> Callable[[LogRecord], bool]:
    if all(record.host is None for record in records):
        raise UsageError("--host cannot choose: the log names no host", hint="Leave --host out")
    short = host if "." not in host else None
    return lambda r: r.host == host or (short is not None and (r.host or "").partition(".")[0] == short)


def _boot_key(record: LogRecord) -> str:
    return record.boot_id or f"#{record.source}.{record.boot_seq}"


def _of_boot(boot: str, records: list[LogRecord]) -> Callable[[LogRecord], bool]:
    boots: dict[str | None, list[str]] = defaultdict(list)
    told = False
    for record in records:
        told = told or record.boot_id is not None or record.boot_seq > 0
        key = _boot_key(record)
        mine = boots[record.host]
        if not mine or (mine[-1] != key and key not in mine):
            mine.append(key)
    if not told:
        raise UsageError(
            "--boot cannot choose: the log does not tell boots apart", hint="journalctl -o export does; or use --since"
        )
    if _INDEX.fullmatch(boot) is None:
        return lambda r: r.boot_id == boot.replace("-", "")
    number = int(boot)
    at = number - 1  # 1 is the first, 0 the last, as journalctl counts
    chosen = {host: keys[at] for host, keys in boots.items() if (0 <= at < len(keys)) or (at < 0 and -at <= len(keys))}
    return lambda r: chosen.get(r.host) == _boot_key(r)


def _of_span(since: str | None, until: str | None, records: list[LogRecord]) -> Callable[[LogRecord], bool]:
    """Lines without a stamp go with the line of their host before them."""
    zones = Counter(r.clock.utc_offset for r in records if r.at is not None and r.clock.utc_offset is not None)
    usual = offset_of(zones.most_common(1)[0][0]) if zones else None
    ends = [None if text is None else _moment(text) for text in (since, until)]
    needs_zone = any(end is not None and not end[1] for end in ends)
    stamped = [r for r in records if r.at is not None]
    if not stamped or any(not r.absolute and r.clock.year_from == "none" for r in stamped):
        raise UsageError("--since and --until cannot choose: the log has no dates with a year", hint="Leave them out")
    if needs_zone and usual is None and any(r.absolute for r in stamped):
        raise UsageError("the log does not say its zone", hint="Give one: --since '2025-03-01 06:00:00Z'")
    if any(end is not None and end[1] for end in ends) and not all(r.absolute for r in stamped):
        raise UsageError("the log does not say its zone", hint="Give the time as the log shows it, without a zone")
    low, high = ends
    last: dict[str | None, bool] = {}

    def inside(record: LogRecord) -> bool:
        if record.at is None:
            return last.get(record.host, low is None)
        zone = 0
        if record.absolute:
            zone = offset_of(record.clock.utc_offset) if record.clock.utc_offset is not None else usual or 0
        us = record.at.us
        begin = None if low is None else low[0] - (0 if low[1] else zone * SECOND)
        end = None if high is None else high[0] - (0 if high[1] else zone * SECOND)
        answer = (begin is None or us + record.at.precision_us > begin) and (end is None or us <= end)
        last[record.host] = answer
        return answer

    return inside


def _of_units(units: tuple[str, ...], records: Iterable[LogRecord]) -> Callable[[LogRecord], bool]:
    if all(record.unit is None and record.ident is None for record in records):
        raise UsageError("--unit cannot choose: the log names neither units nor programs", hint="Leave --unit out")
    full = {unit if "." in unit else f"{unit}.service" for unit in units}
    bases = {unit.removesuffix(".service") for unit in units}
    programs = {_PROGRAMS.get(base, base) for base in bases}

    def chosen(record: LogRecord) -> bool:
        if record.unit is not None:
            return record.unit in full
        if record.ident == "systemd":
            return any(unit in record.message for unit in full) or (
                ".service" not in record.message
                and (("k3s" in programs and "Lightweight Kubernetes" in record.message)
                     or ("rke2" in programs and "Rancher Kubernetes Engine" in record.message))
            )  # fmt: skip
        return record.ident is None or record.ident in programs

    return chosen


def _what_there_is(option: str, records: Iterable[LogRecord]) -> str:
    if option == "--host":
        names = sorted({r.host for r in records if r.host is not None})
    elif option == "--unit":
        names = sorted({r.unit for r in records if r.unit is not None})
    elif option == "--boot":
        return "Choose more of it"
    else:
        return _from_to([record for record in records if record.at is not None])
    if not names:
        return "Leave it out"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"There is {', '.join(names[:5])}{more}"


def _from_to(stamped: Sequence[LogRecord]) -> str:
    """The dates that a log holds, as ``--since`` takes them."""
    ends = sorted(stamped, key=lambda record: record.at.us if record.at is not None else 0)
    shown = [_shown(record) for record in (ends[:1] + ends[-1:])]
    return f"It runs from {shown[0]} to {shown[-1]}" if shown else "Choose more of it"


def _shown(record: LogRecord) -> str:
    moment = datetime.fromtimestamp((record.at.us if record.at is not None else 0) // SECOND, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}{'Z' if record.absolute else ''}"


def _renumbered(log_records: LogRecords, kept: Sequence[LogRecord]) -> LogRecords:
    """A clock step belongs to the first record of its host that is left from there on."""
    old = {record.seq: record for record in kept}
    hosts = {record.seq: record.host for record in log_records.records}
    steps: list[tuple[LogRecord, ClockStep]] = []
    for step in log_records.steps:
        record = old.get(step.seq) or next(
            (r for r in kept if r.seq > step.seq and r.host == hosts.get(step.seq)), None
        )
        if record is not None and record is not kept[0]:
            steps.append((record, step))
    ledger = replace(log_records.ledger, reasons=Counter(log_records.ledger.reasons))
    ledger.note(LEFT_OUT, len(log_records.records) - len(kept))
    place = {record.seq: number for number, record in enumerate(kept)}
    moved = tuple(ClockStep(place[record.seq], step.by_s, record.line, record.source) for record, step in steps)
    records = tuple(replace(record, seq=number) for number, record in enumerate(kept))
    return replace(log_records, records=records, ledger=ledger, steps=moved)
