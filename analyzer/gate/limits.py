"""Limits as people write them: ``METRIC[:STAT]<=VALUE`` on the command line, ``[[limit]]`` in a TOML file.

::

    [[limit]]
    metric = "ready"                    # as k3slog fleet has it; check:NAME, findings:SEVERITY, findings:ID
    stat = "p90"                        # median (p50), mean, p90, p99, max, min; of times: max where it is left out
    max = "60s"                         # or a number: seconds, a share, a count; "+10%" or "+2s": above the baseline
    where = ["role=server"]             # only such starts, as --where; a string or a list
    name = "nine of ten within a minute"

A file that cannot be read is a ``BadInputError``, one that says what cannot be meant a ``UsageError``; both are one
line that names the file and the limit.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from analyzer.comparison.metrics import STATISTICS, check_metric, in_full, statistics_of, unit_of
from analyzer.errors import BadInputError, UsageError
from analyzer.gate.model import GateLimit
from analyzer.live.durations import seconds_of

FILE_LIMIT = 1 << 20  # bytes
MOST_LIMITS = 1000
_KEYS = ("metric", "stat", "max", "where", "name")
_LONGEST = 200  # characters of what a user wrote, in errors and reports
_LARGEST = 1e9  # seconds or starts: more is a slip of the finger
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_EXAMPLE = "For example --max 'ready:p90<=60s', --max 'failed<=0' or, with --baseline, --max 'ready:median<=+10%'"
_BEGIN = 'Begin with [[limit]], then metric = "ready"'
_OTHER_SIGNS = re.compile(r">=|<(?!=)|>|==?")

Check = Callable[[GateLimit], object]  # raises UsageError for a limit that cannot be meant


def limits_of(texts: Sequence[str], files: Sequence[str], check: Check = lambda limit: None) -> tuple[GateLimit, ...]:
    """All limits, those of the files first; raises ``UsageError`` and ``BadInputError``.

    ``check`` sees each, for what cannot be known here (labels); its error is told with the limit's place.
    """
    found: dict[str, GateLimit] = {}
    for place, limit in (*_of_files(files), *_of_texts(texts)):
        with _placed(place):
            check(limit)
            if limit.name in found:
                raise UsageError(f"there is another limit {_short(limit.name)!r}", hint="Give each a name of its own")
        found[limit.name] = limit
    if not found:
        raise UsageError("there is no limit", hint=f"{_EXAMPLE}, or --limits FILE.toml")
    if len(found) > MOST_LIMITS:
        raise UsageError(f"there are more than {MOST_LIMITS} limits", hint="Leave some of them out")
    return tuple(found.values())


def _of_texts(texts: Iterable[str]) -> Iterator[tuple[str, GateLimit]]:
    for text in texts:
        place = f"--max {_short(text)}"
        with _placed(place):
            limit = parsed(text)
        yield place, limit


def _of_files(files: Iterable[str]) -> Iterator[tuple[str, GateLimit]]:
    for file in files:
        for number, table in enumerate(_tables(file), 1):
            own = table.get("name") if isinstance(table, dict) else None
            place = f"{file}, limit {_short(own) if own and isinstance(own, str) else number}"
            with _placed(place):
                limit = _from_table(table)
            yield place, limit


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Errors of what is done inside say where the limit stands."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}", hint=error.hint) from None


# --- one limit


def parsed(text: str) -> GateLimit:
    """The limit that ``METRIC[:STAT]<=VALUE`` says; raises ``UsageError``."""
    name, sign, value = (part.strip() for part in text.rpartition("<="))
    if not sign:
        if _OTHER_SIGNS.search(text) is not None:
            raise UsageError("a limit is an upper one, written <=", hint=_EXAMPLE)
        raise UsageError("it is not METRIC<=VALUE", hint=_EXAMPLE)
    metric, stat = _metric_and_stat(name)
    return _limit(metric, stat, value)


def usual_name(limit: GateLimit) -> str:
    """What a limit is called that has no name of its own."""
    return f"{limit.text} where {' and '.join(limit.where)}" if limit.where else limit.text


def _metric_and_stat(name: str) -> tuple[str, str | None]:
    """``ready:p90`` in two; a metric may hold colons itself, and the last part counts only if it is a statistic."""
    before, sign, last = name.rpartition(":")
    if sign and last in STATISTICS and before not in ("check", "findings"):
        return before, last
    return name, None


def _limit(metric: str, stat: str | None, value: str) -> GateLimit:
    metric = in_full(metric)
    if max(len(metric), len(value)) > _LONGEST:
        raise UsageError(f"{_short(metric)!r} is too long for a metric and its limit", hint=_EXAMPLE)
    _check_metric(metric)
    known = statistics_of(metric)
    statistic = known[0] if stat is None else STATISTICS.get(stat)
    if statistic is None or statistic not in known:
        raise _no_statistic(metric, stat or "")
    shown = f"{metric}:{statistic}" if len(known) > 1 else metric
    limit = GateLimit("", metric, statistic, 0.0, f"{shown}<={value}")
    limit = _with_value(limit, value)
    return replace(limit, name=limit.text)


def _check_metric(metric: str) -> None:
    """A metric that no start can have is refused; a known one with an unknown statistic as that."""
    try:
        check_metric(metric)
    except UsageError:
        before, _, last = metric.rpartition(":")
        if _is_metric(known := in_full(before)):
            raise _no_statistic(known, last) from None
        raise


def _is_metric(name: str) -> bool:
    with suppress(UsageError):
        check_metric(name)
        return True
    return False


def _no_statistic(metric: str, stat: str) -> UsageError:
    known = statistics_of(metric)
    are = f"There is only {known[0]}" if len(known) == 1 else f"There are {', '.join(known)}"
    return UsageError(f"{metric} has no statistic {_short(stat)!r}", hint=are)


# --- its value


def _with_value(limit: GateLimit, text: str) -> GateLimit:
    """The limit with what stands behind ``<=``: a length, a share, a count, or by how much more than the baseline."""
    growth = text.startswith("+")
    bare = text[1:].strip() if growth else text
    percent = bare.endswith("%")
    number = bare[:-1].strip() if percent else bare
    unit = unit_of(limit.metric)
    if percent and not growth and unit != "share":
        hint = f"To allow {bare} more than the baseline: +{bare}"
        raise UsageError(f"{_short(text)!r} is a share, and {limit.metric} is not one", hint=hint)
    value = seconds_of(number) if unit == "s" and not percent else _number(number)
    if value is None:
        raise UsageError(f"{_short(text)!r} is not {_KINDS[unit]}", hint=f"For example {_VALUES[unit]}")
    value = value / 100.0 if percent else value
    if not math.isfinite(value) or value > _LARGEST:
        raise UsageError(f"{_short(text)!r} is too large", hint=f"For example {_VALUES[unit]}")
    if unit == "share" and value > 1.0:
        raise UsageError(f"{_short(text)!r} is more than all starts", hint="For example 5% or 0.05")
    return replace(limit, value=value, growth=growth, relative=percent and unit != "share")


_KINDS = {"s": "a length of time", "share": "a share of starts", "count": "a number"}
_VALUES = {"s": "60s, 1m30s, 500ms or +10%", "share": "0, 0.05 or 5%", "count": "0, 2 or +1"}


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


# --- TOML


def _tables(name: str) -> list[Any]:
    try:
        data = tomllib.loads(_read(name))
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists of thousands of lists
        said = "too deeply nested" if isinstance(error, RecursionError) else str(error).split("\n", 1)[0]
        raise BadInputError(f"{name} is not TOML: {_short(said)}", hint=_BEGIN) from error
    if unknown := [key for key in data if key != "limit"]:
        raise UsageError(f"{name}: there is no key {_short(unknown[0])!r}", hint="Every limit is a table [[limit]]")
    tables = data.get("limit", [])
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"{name} holds no [[limit]]", hint=_BEGIN)
    return tables


def _read(name: str) -> str:
    try:
        with open(name, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadInputError(f"{name} cannot be read: {said}", hint="Name a TOML file") from error
    if len(data) > FILE_LIMIT:
        raise BadInputError(f"{name} is larger than 1 MiB", hint="Limits are a few lines each")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInputError(f"{name}, line {line}: not UTF-8", hint="Save the file as UTF-8") from error


def _from_table(table: Any) -> GateLimit:
    if not isinstance(table, dict):
        raise UsageError("it is not a table", hint="Write [[limit]] above its keys")
    if unknown := [key for key in table if key not in _KEYS]:
        raise UsageError(f"there is no key {_short(unknown[0])!r}", hint=f"There are {', '.join(_KEYS)}")
    if missing := [key for key in ("metric", "max") if key not in table]:
        raise UsageError(f"it has no {missing[0]}", hint='For example metric = "ready", max = "60s"')
    metric, own = _metric_and_stat(_string(table, "metric"))
    stat = _string(table, "stat") if "stat" in table else own
    if own is not None and stat != own:
        raise UsageError("its metric names another statistic than stat", hint="Leave one of them out")
    limit = replace(_limit(metric, stat, _value(table["max"])), where=_where(table.get("where", [])))
    name = _string(table, "name") if "name" in table else usual_name(limit)
    if len(name) > _LONGEST:
        raise UsageError(f"its name has more than {_LONGEST} characters", hint="Choose a shorter one")
    return replace(limit, name=name)


def _string(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key} is not a text", hint=f'Write {key} = "…"')
    return value.strip()


def _value(value: Any) -> str:
    """``max`` as on the command line; a number is one of seconds, a share or a count."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError("max is neither a number nor a text", hint='For example max = 60 or max = "+10%"')
    if not math.isfinite(value) or value < 0 or value > _LARGEST:
        raise UsageError("max is not a number from 0 on", hint='For example max = 60 or max = "+10%"')
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _where(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise UsageError("where is neither a text nor a list of them", hint='For example where = ["role=server"]')


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
