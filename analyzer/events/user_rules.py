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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from analyzer.errors import BadInputError
from analyzer.events import catalogue
from analyzer.events.finding_info import FindingInfo, known_findings
from analyzer.events.linear_regex import LinearPattern
from analyzer.events.redaction import mask_secrets
from analyzer.events.toml_lines import Places
from analyzer.records.log_record import LogRecord, Payload

FILE_LIMIT = 1 << 20  # bytes
_HEAD_LEAST, _ANY_LEAST = 6, 4  # characters
_ID = re.compile(r"[a-z][a-z0-9_]{1,59}\Z")
_MINOR = re.compile(r"\d{1,2}\.\d{1,3}\Z")
Phase = Literal["any", "before_ready", "after_ready"]
_PHASES = ("any", "before_ready", "after_ready")
_KINDS = ("problem", "noise", "milestone")
_CLASSES = ("fatal", "peer", "environment", "transient", "load")
_EXPRESSIONS = (
    "Use single quotes, so that a backslash stays one; RE2 has no look-around and no back-references, and without it"
    " (pip install 'k3slog[rules]') one repeat is the most"
)
_SEVERITIES = ("info", "warning", "critical")
_LEVELS = ("trace", "debug", "info", "warning", "error", "fatal", "panic", "")


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
    return _together((name, _read(name)) for name in names)


def parse_rules(text: str, name: str = "rules") -> Rules:
    """The rules of a text; ``name`` stands for the file in errors.

    Raises:
        BadInputError: as for ``load_rules``.
    """
    return _together([(name, text)])


def _together(files: Iterable[tuple[str, str]]) -> Rules:
    """The rules of texts with the names of their files; a problem that no finding takes up is one by itself."""
    marks: list[catalogue.Rule] = []
    findings: list[UserFinding] = []
    places: dict[str, str] = {}
    names = []
    for name, text in files:
        names.append(name)
        marks_here, findings_here = _File(name, text, places, marks).rules()
        marks += marks_here
        findings += findings_here
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


class _File:
    """One file while it is read; knows where each table and key stands."""

    def __init__(self, name: str, text: str, taken: dict[str, str], marks_before: Iterable[catalogue.Rule]) -> None:
        self.name = name
        self.text = text.replace("\r\n", "\n")
        self.taken = taken  # ids of this and earlier files, with the place of each
        self.marks_before = tuple(marks_before)
        self.places = Places(self.text)

    def rules(self) -> tuple[list[catalogue.Rule], list[UserFinding]]:
        """Everything in the file, checked."""
        try:
            data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise self._syntax(str(error)) from error
        except RecursionError as error:
            raise BadInputError(f"{self.name} is nested too deeply", hint="Rules are flat tables") from error
        for key in data:
            if key not in ("mark", "finding"):
                raise self._bad(self.places.key(key), *_unknown(key, ("mark", "finding"), "table"))
        for kind in ("mark", "finding"):
            tables = data.get(kind, [])
            if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
                raise self._bad(self.places.key(kind), f"{kind} is no list of tables", f"Write [[{kind}]] before each")
        if not data.get("mark") and not data.get("finding"):
            raise BadInputError(f"{self.name} holds no rules", hint="Write [[mark]] tables, or [[finding]] ones")
        marks = [self._mark(_Table(self, "mark", n, raw)) for n, raw in enumerate(data.get("mark", []))]
        known = {rule.id for rule in (*catalogue.rules(), *self.marks_before, *marks)}
        found = [self._finding(_Table(self, "finding", n, raw), known) for n, raw in enumerate(data.get("finding", []))]
        return marks, found

    # ---------------------------------------------------------------- tables

    def _mark(self, table: _Table) -> catalogue.Rule:
        table.only(_MARK_KEYS)
        name = self._id(table)
        kind = table.one_of("kind", _KINDS, needed=True)
        head, part = table.texts("head"), table.texts("any")
        if not head and not part:
            raise table.bad("head or any is missing", "Give a text that every such line holds; match may narrow it")
        for key, texts, least in (("head", head, _HEAD_LEAST), ("any", part, _ANY_LEAST)):
            for text in texts:
                if len(text) < least:
                    raise table.bad(f'{key} "{text}" is too short', f"At least {least} characters, or it fits all", key)
        table.some_of("payload", tuple(one.value for one in Payload))
        table.some_of("levels", _LEVELS)
        table.one_of("class", _CLASSES)
        severity = table.one_of("severity", _SEVERITIES)
        for key in ("file", "title", "advice", "description", "note"):
            table.text(key)
        if kind != "milestone" and not table.text("title").strip():
            raise table.bad("title is missing", "One line that names the trouble, or says why it is none")
        if severity and kind != "problem":
            raise table.bad(f"severity does not go with kind {kind}", 'Leave it out, or kind = "problem"', "severity")
        for key in ("since", "until"):
            if table.text(key) and not _MINOR.match(table.text(key)):
                raise table.bad(f'{key} "{table.text(key)}" is no minor release', 'Write it as "1.33"', key)
        fields = table.raw.get("fields", {})
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise table.bad("fields is no table of texts", 'Write fields = { took = "duration" }', "fields")
        examples = table.texts("example")
        pattern = self._expression(table)
        rule = catalogue.compile_rule({**table.raw, "head": head, "any": part, "severity": severity or "warning"})
        rule = replace(rule, match=pattern)
        self._take(table, name)
        for example in examples:
            if not _recognises(rule, example):
                raise table.bad(
                    "the example is not matched by its own rule",
                    "Paste the line as the journal has it after k3s[…]: , and compare head, any, match, levels",
                    "example",
                )  # fmt: skip
        return rule

    def _expression(self, table: _Table) -> LinearPattern | None:
        try:
            return LinearPattern(table.text("match")) if table.text("match") else None
        except ValueError as error:
            raise table.bad(f"match {error}", _EXPRESSIONS, "match") from error

    def _finding(self, table: _Table, known: set[str]) -> UserFinding:
        table.only(_FINDING_KEYS)
        name = self._id(table)
        marks = table.texts("marks")
        if not marks:
            raise table.bad("marks is missing", "Name the ids of the marks that make this finding")
        for mark in marks:
            if mark not in known:
                raise table.bad(*_unknown(mark, sorted(known), "mark"), key="marks")
        if not table.text("title").strip():
            raise table.bad("title is missing", "One line that names the finding")
        count = table.raw.get("min_count", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise table.bad("min_count is no whole number above 0", "Write min_count = 3", "min_count")
        severity = table.one_of("severity", _SEVERITIES) or "warning"
        phase = table.one_of("phase", _PHASES) or "any"
        about = FindingInfo(
            name, mask_secrets(table.text("title").strip()), cast("Any", severity), advice=table.text("advice").strip()
        )
        rule = UserFinding(about, marks, table.text("detail").strip(), count, cast("Phase", phase))
        self._take(table, name)
        return rule

    def _id(self, table: _Table) -> str:
        name = table.text("id")
        if not name:
            raise table.bad("id is missing", "Lower case letters, digits and _")
        if not _ID.match(name):
            raise table.bad(f'id "{name}" is not valid', "Lower case letters, digits and _, a letter first", "id")
        if name in _ours():
            raise table.bad(
                f'id "{name}" is one of k3slog\'s own', "Choose another; to weigh ours, use [[finding]]", "id"
            )
        return name

    def _take(self, table: _Table, name: str) -> None:
        place = f"{self.name}, line {table.line('id')}"
        if name in self.taken:
            raise table.bad(f'id "{name}" was given before ({self.taken[name]})', "Every id once", "id")
        self.taken[name] = place

    # ---------------------------------------------------------------- errors

    def _syntax(self, message: str) -> BadInputError:
        hit = re.search(r"\(at line (\d+), column (\d+)\)", message)
        words = re.sub(r"\s*\(at [^)]*\)", "", message)
        words = words[:1].lower() + words[1:]
        if hit is None:
            line = self.text.rstrip("\n").count("\n") + 1
            return self._bad(line, f"not TOML: {words} at the end of the file", "Is a quote or a bracket left open?")
        return self._bad(int(hit[1]), f"not TOML: {words} (column {hit[2]})", "Texts need quotes, tables [[mark]]")

    def _bad(self, line: int | None, message: str, hint: str) -> BadInputError:
        where = f"{self.name}, line {line}" if line is not None else self.name
        return BadInputError(f"{where}: {message}", hint=hint)

    def bad_at(self, kind: str, number: int, key: str | None, message: str, hint: str) -> BadInputError:
        """An error in the ``number``-th table of a kind, at one of its keys."""
        return self._bad(self.places.table(kind, number, key), message, hint)


class _Table:
    """One ``[[mark]]`` or ``[[finding]]`` with typed access to its keys."""

    def __init__(self, file: _File, kind: str, number: int, raw: Mapping[str, Any]) -> None:
        self.file, self.kind, self.number, self.raw = file, kind, number, raw

    def line(self, key: str | None = None) -> int | None:
        """Where a key of it stands, else where it begins."""
        return self.file.places.table(self.kind, self.number, key)

    def bad(self, message: str, hint: str, key: str | None = None) -> BadInputError:
        """An error at a key, or at the table."""
        name = self.raw.get("id")
        of = f' of "{name}"' if isinstance(name, str) and name and key != "id" else ""
        return self.file.bad_at(self.kind, self.number, key, f"[[{self.kind}]]{of}: {message}", hint)

    def only(self, keys: tuple[str, ...]) -> None:
        """No other keys than these."""
        for key in self.raw:
            if key not in keys:
                raise self.bad(*_unknown(key, keys, "key"), key=key)

    def text(self, key: str) -> str:
        """A text, empty when it is not there."""
        value = self.raw.get(key, "")
        if not isinstance(value, str):
            raise self.bad(f"{key} is no text", f'Write {key} = "…"', key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A text or a list of them."""
        value = self.raw.get(key, ())
        values = (value,) if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
            raise self.bad(f"{key} is neither a text nor a list of texts", f'Write {key} = ["…", "…"]', key)
        return tuple(values)

    def one_of(self, key: str, choices: tuple[str, ...], *, needed: bool = False) -> str:
        """One of a few words."""
        value = self.text(key)
        if not value and not needed and key not in self.raw:
            return ""
        if not value and key not in self.raw:
            raise self.bad(f"{key} is missing", f"One of {', '.join(choices)}")
        if value not in choices:
            raise self.bad(*_unknown(value, choices, key), key=key)
        return value

    def some_of(self, key: str, choices: tuple[str, ...]) -> None:
        """A list of some of a few words."""
        if isinstance(self.raw.get(key), str):
            raise self.bad(f"{key} is no list", f'Write {key} = ["{self.raw[key]}"]', key)
        for value in self.texts(key):
            if value not in choices:
                raise self.bad(*_unknown(value, choices, key), key=key)


_MARK_KEYS = (
    "id", "kind", "head", "any", "match", "fields", "payload", "levels", "file", "class", "severity", "title", "advice",
    "description", "note", "since", "until", "example",
)  # fmt: skip
_FINDING_KEYS = ("id", "marks", "severity", "title", "detail", "advice", "min_count", "phase")


def _ours() -> frozenset[str]:
    return frozenset(rule.id for rule in catalogue.rules()) | {one.id for one in known_findings()}


def _unknown(word: str, choices: Iterable[str], what: str) -> tuple[str, str]:
    """Message and hint for a word that is none of ``choices``."""
    import difflib  # only for errors

    choices = [choice for choice in choices if choice]
    near = difflib.get_close_matches(word, choices, 1, 0.6)
    listed = ", ".join(choices) if len(choices) <= 20 else "k3slog explain --list has ours"
    hint = f"Did you mean {near[0]}?" if near else f"Known: {listed}"
    return f'there is no {what} "{word}"', hint


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
