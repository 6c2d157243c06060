"""A user's own rules: marks and findings in a TOML file, in the format of the catalogue, strictly checked.

::

    [[mark]]
    id = "vault_sealed"                    # also the id of its finding; not one of ours
    kind = "problem"                       # problem | noise | milestone
    any = ["vault is sealed"]              # or head: the message begins with it
    match = 'sealed since (?P<since>\\S+)'  # may be left out
    severity = "critical"                  # info | warning | critical
    title = "The vault is sealed"
    advice = "Unseal it: vault operator unseal"
    example = 'time="2026-02-03T10:20:30Z" level=error msg="kms: vault is sealed since 09:12"'

    [[finding]]                            # more than one line of a mark, or marks of ours
    id = "vault_flaps"
    marks = ["vault_sealed"]
    min_count = 5
    phase = "before_ready"                 # before_ready | after_ready | any
    severity = "warning"
    title = "The vault goes away again and again"

Whoever writes such a file trusts it, but the lines it is run over come from anywhere: expressions run in linear time
on the begin of a message, or are refused (``linear_regex``).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from analyzer.errors import BadInputError
from analyzer.events import catalogue
from analyzer.events.finding_info import FindingInfo, known_findings
from analyzer.events.linear_regex import LinearPattern
from analyzer.events.redaction import mask_secrets
from analyzer.events.toml_lines import line_of
from analyzer.records.log_record import LogRecord, Payload

FILE_LIMIT = 1 << 20  # bytes
_EXPRESSIONS = (
    "Use single quotes, so that a backslash stays one; RE2 has no look-around and no back-references, and without it"
    " (pip install 'k3slog[rules]') one repeat is the most"
)
Phase = Literal["any", "before_ready", "after_ready"]
Path = tuple[str | int, ...]  # of a table or key: ("mark", 2, "id")


@dataclass(frozen=True, slots=True)
class UserFinding:
    """Marks that make a finding when there are ``min_count`` lines of them in the phase."""

    info: FindingInfo
    marks: tuple[str, ...]
    detail: str = ""
    min_count: int = 1
    phase: Phase = "any"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one or more files hold; an empty one changes nothing."""

    marks: tuple[catalogue.Rule, ...] = ()
    findings: tuple[UserFinding, ...] = ()
    paths: tuple[str, ...] = ()

    def mark(self, name: str) -> catalogue.Rule | None:
        """The user's mark of that id."""
        return next((rule for rule in self.marks if rule.id == name), None)

    def info(self, name: str) -> FindingInfo | None:
        """What the user says of a finding of that id."""
        return next((finding.info for finding in self.findings if finding.info.id == name), None)


NO_RULES = Rules()


def load_rules(*paths: str | os.PathLike[str]) -> Rules:
    """The rules of all files together.

    Raises:
        BadInputError: a file cannot be read, is no TOML, or holds something that is not valid; it names file and line.
    """
    names = [os.fspath(path) for path in paths]
    return rules_of((name, _read(name)) for name in names)


def rules_of(files: Iterable[tuple[str, str]]) -> Rules:
    """The rules of texts, each with the name of its file; a problem that no finding takes up is one by itself."""
    marks: list[catalogue.Rule] = []
    findings: list[UserFinding] = []
    places: dict[str, tuple[_File, Path]] = {}
    names = []
    for name, text in files:
        names.append(name)
        file = _File(name, text)
        for kind, path, table in file.tables():
            own = table["id"]
            if own in places:
                before, there = places[own]
                message = f'id "{own}" was given before ({before.place((*there, "id"))})'
                raise file.bad((*path, "id"), _Problem(message, "Every id once"), table)
            places[own] = (file, path)
            if kind == "mark":
                marks.append(_mark(table))
                if not all(_recognises(marks[-1], example) for example in _list(table, "example")):
                    raise file.bad((*path, "example"), _NO_EXAMPLE, table)
            else:
                findings.append(_finding(table))
                known = {rule.id for rule in (*catalogue.rules(), *marks)}
                if unknown := [mark for mark in findings[-1].marks if mark not in known]:
                    raise file.bad((*path, "marks"), _unknown(unknown[0], sorted(known), "mark"), table)
    taken = {name for finding in findings for name in finding.marks}
    for mark in marks:
        if mark.kind == "problem" and mark.id not in taken:
            about = FindingInfo(mark.id, mask_secrets(mark.title), mark.severity, mark.description, mark.advice)
            findings.append(UserFinding(about, (mark.id,)))
    return Rules(tuple(marks), tuple(findings), tuple(names))


def _read(name: str) -> str:
    try:
        with open(name, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {error.strerror or error}", hint="Name a TOML file") from error
    if len(data) > FILE_LIMIT:
        raise BadInputError(f"{name} is larger than 1 MiB", hint="Rules are a few lines each")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInputError(f"{name}, line {line}: not UTF-8", hint="Save the file as UTF-8") from error


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is wrong with a value, and what to do."""

    message: str
    hint: str


_Check = Callable[[str, Any], _Problem | None]


def _text(key: str, value: Any) -> _Problem | None:
    return None if isinstance(value, str) else _Problem(f"{key} is not a string", f'Write {key} = "…"')


def _fits(pattern: str, message: str, hint: str) -> _Check:
    """A text that an expression matches as a whole."""

    def check(key: str, value: Any) -> _Problem | None:
        fits = isinstance(value, str) and re.fullmatch(pattern, value) is not None
        return _text(key, value) or (None if fits else _Problem(f'{key} "{value}" {message}', hint))

    return check


def _one_of(*choices: str) -> _Check:
    def check(key: str, value: Any) -> _Problem | None:
        return _text(key, value) or (None if value in choices else _unknown(value, choices, key))

    return check


def _texts(least: int = 0) -> _Check:
    """A text or a list of them, none shorter than that."""
    hint = f"At least {least} characters, or it fits all"

    def check(key: str, value: Any) -> _Problem | None:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            return _Problem(f"{key} is neither a string nor a list of strings", f'Write {key} = ["…", "…"]')
        problems = (_Problem(f'{key} "{text}" is too short', hint) for text in texts if len(text) < least)
        return next(problems, None)

    return check


def _some_of(*choices: str) -> _Check:
    def check(key: str, value: Any) -> _Problem | None:
        if isinstance(value, str):
            return _Problem(f"{key} is not a list", f'Write {key} = ["{value}"]')
        return _texts()(key, value) or next((_unknown(one, choices, key) for one in value if one not in choices), None)

    return check


def _expression(key: str, value: Any) -> _Problem | None:
    if not isinstance(value, str):
        return _text(key, value)
    try:
        LinearPattern(value)
    except ValueError as error:
        return _Problem(f"{key} {error}", _EXPRESSIONS)
    return None


def _fields(key: str, value: Any) -> _Problem | None:
    fits = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    return None if fits else _Problem(f"{key} is not a table of strings", f'Write {key} = {{ took = "duration" }}')


def _number(key: str, value: Any) -> _Problem | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if fits else _Problem(f"{key} is not a whole number above 0", f"Write {key} = 3")


_MINOR = _fits(r"\d{1,2}\.\d{1,3}", "is not a minor release", 'Write it as "1.33"')
_BOTH: Mapping[str, _Check] = {
    "id": _fits("[a-z][a-z0-9_]{1,59}", "is not valid", "Lower case letters, digits and _, a letter first"),
    "title": _text,
    "severity": _one_of("info", "warning", "critical"),
    "advice": _text,
}
_KEYS: Mapping[str, Mapping[str, _Check]] = {
    "mark": {
        **_BOTH,
        "kind": _one_of("problem", "noise", "milestone"),
        "head": _texts(6),
        "any": _texts(4),
        "match": _expression,
        "fields": _fields,
        "payload": _some_of(*(one.value for one in Payload)),
        "levels": _some_of("trace", "debug", "info", "warning", "error", "fatal", "panic", ""),
        "file": _text,
        "class": _one_of("fatal", "peer", "environment", "transient", "load"),
        "description": _text,
        "note": _text,
        "since": _MINOR,
        "until": _MINOR,
        "example": _texts(),
    },
    "finding": {
        **_BOTH,
        "marks": _texts(),
        "detail": _text,
        "min_count": _number,
        "phase": _one_of("any", "before_ready", "after_ready"),
    },
}
_NEEDED = {
    "id": "Lower case letters, digits and _",
    "kind": "One of problem, noise, milestone",
    "head or any": "Give words that every such line holds; match may narrow it",
    "marks": "Name the ids of the marks that make this finding",
    "title": "One line that names the trouble, or says why it is none",
}


class _File:
    """One file while it is read."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text.replace("\r\n", "\n")

    def tables(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """The kind, the path and the content of each table, marks first, their keys checked."""
        data = self._toml()
        for key in data:
            if key not in _KEYS:
                raise self.bad((key,), _unknown(key, _KEYS, "table"))
        for kind, keys in _KEYS.items():
            tables = data.get(kind, [])
            if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
                raise self.bad((kind,), _Problem(f"{kind} is not a list of tables", f"Write [[{kind}]] before each"))
            for number, table in enumerate(tables):
                self._check((kind, number), table, keys)
                yield kind, (kind, number), table
        if not any(data.values()):
            raise BadInputError(f"{self.name} holds no rules", hint="Write [[mark]] tables, or [[finding]] ones")

    def _toml(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text)
        except RecursionError as error:
            raise BadInputError(f"{self.name} is nested too deeply", hint="Rules are flat tables") from error
        except tomllib.TOMLDecodeError as error:
            words, _, place = str(error).partition(" (at ")
            hit = re.search(r"line (\d+), column (\d+)", place)
            line = int(hit[1]) if hit is not None else self.text.rstrip("\n").count("\n") + 1
            where = f"(column {hit[2]})" if hit is not None else "at the end of the file"
            hint = "Strings need quotes, tables [[mark]]; is a quote or a bracket left open?"
            message = f"{self.name}, line {line}: not TOML: {words[:1].lower()}{words[1:]} {where}"
            raise BadInputError(message, hint=hint) from error

    def _check(self, path: Path, table: Mapping[str, Any], keys: Mapping[str, _Check]) -> None:
        for key, value in table.items():
            problem = keys[key](key, value) if key in keys else _unknown(key, keys, "key")
            if problem is not None:
                raise self.bad((*path, key), problem, table)
        needed = ["id", "kind", "head or any"] if path[0] == "mark" else ["id", "marks"]
        for key in [*needed, *(["title"] if table.get("kind") != "milestone" else [])]:
            if not any(str(table.get(name, "")).strip() for name in key.split(" or ")):
                raise self.bad((*path, key), _Problem(f"{key} is missing", _NEEDED[key]), table)
        if table["id"] in _ours():
            message = f'id "{table["id"]}" is one of k3slog\'s own'
            raise self.bad((*path, "id"), _Problem(message, "Choose another; to weigh ours, use [[finding]]"), table)
        if "severity" in table and table.get("kind", "problem") != "problem":
            problem = _Problem(f"severity does not go with kind {table['kind']}", 'Leave it out, or kind = "problem"')
            raise self.bad((*path, "severity"), problem, table)

    def place(self, path: Path) -> str:
        """File and line of a table or key."""
        line = line_of(self.text, path)
        return self.name if line is None else f"{self.name}, line {line}"

    def bad(self, path: Path, problem: _Problem, table: Mapping[str, Any] | None = None) -> BadInputError:
        """An error about the value at a path, which lies in a table."""
        where = f"{self.place(path)}: "
        if table is not None:
            name = table.get("id") if path[-1] != "id" else None
            where += f'[[{path[0]}]] of "{name}": ' if name and isinstance(name, str) else f"[[{path[0]}]]: "
        return BadInputError(where + problem.message, hint=problem.hint)


def _mark(raw: Mapping[str, Any]) -> catalogue.Rule:
    """A checked table as a rule of the catalogue."""
    rule = catalogue.compile_rule({"severity": "warning", **raw, "head": _list(raw, "head"), "any": _list(raw, "any")})
    return replace(rule, match=LinearPattern(raw["match"])) if raw.get("match") else replace(rule, match=None)


def _finding(raw: Mapping[str, Any]) -> UserFinding:
    title, advice = mask_secrets(raw["title"].strip()), raw.get("advice", "").strip()
    return UserFinding(
        FindingInfo(raw["id"], title, raw.get("severity", "warning"), advice=advice),
        _list(raw, "marks"),
        raw.get("detail", "").strip(),
        raw.get("min_count", 1),
        raw.get("phase", "any"),
    )


def _list(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key, ())
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def _ours() -> frozenset[str]:
    return frozenset(rule.id for rule in catalogue.rules()) | {one.id for one in known_findings()}


def _unknown(word: str, choices: Iterable[str], what: str) -> _Problem:
    """For a word that is none of ``choices``."""
    import difflib  # only for errors

    choices = [choice for choice in choices if choice]
    near = difflib.get_close_matches(word, choices, 1, 0.6)
    listed = ", ".join(choices) if len(choices) <= 20 else "k3slog explain --list has ours"
    return _Problem(f'there is no {what} "{word}"', f"Did you mean {near[0]}?" if near else f"Known: {listed}")


_NO_EXAMPLE = _Problem(
    "the example is not matched by its own rule",
    "Paste the line as the journal has it after k3s[…]: , and compare head, any, match, levels",
)


def _recognises(rule: catalogue.Rule, example: str) -> bool:
    """Whether a line as a journal has it is one of the rule's."""
    return any(mark.id == rule.id for record in _decoded(example) for mark in catalogue.match(record, (rule,)))


def _decoded(line: str) -> list[LogRecord]:
    import io

    from analyzer.records import read_log_records

    writer = "" if re.match(r"[\w.-]+\[\d+\]: ", line) else "k3s[1]: "
    text = "".join(f"Feb 03 10:20:30 host {writer}{part}\n" for part in line.splitlines() or [""])
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
    return list(log_records.records)
