"""Every regular expression of the package, and hostile text made from its own pieces.

Run as a program it prints the expressions as JSON: it watches ``re`` while it imports everything and analyses a sample,
so expressions of modules, of functions and of the TOML vocabulary are all seen. How a name is used (``match`` only, or
``search``) is read from the source.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import (
    _constants as codes,  # type: ignore[attr-defined]
    _parser as parser,  # type: ignore[attr-defined]
)
from typing import Any

ROOT = Path(__file__).parents[2]
LOOPED = ("_PREFIX", "_GH_VIEW", "_COMPOSE", "_TERRAFORM")  # of wrappers.py: `for pattern in (…): pattern.match(…)`
METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split")


@dataclass(frozen=True)
class Found:
    """One expression: where it is compiled, and which methods are called on it (all searching ones if unknown)."""

    pattern: str
    flags: int
    binary: bool
    where: str
    methods: tuple[str, ...]

    @property
    def compiled(self) -> re.Pattern[Any]:
        return re.compile(self.pattern.encode("latin-1") if self.binary else self.pattern, self.flags)


def _collect() -> list[dict[str, Any]]:
    seen: dict[tuple[str, int, bool], str] = {}
    original = re._compile  # type: ignore[attr-defined]

    def watching(pattern: Any, flags: Any) -> Any:
        compiled = original(pattern, flags)
        frame = sys._getframe(1)
        while frame is not None and "/re/" in frame.f_code.co_filename:
            frame = frame.f_back  # type: ignore[assignment]
        name = frame.f_code.co_filename if frame is not None else ""
        if "/analyzer/" in name and isinstance(pattern, str | bytes):
            binary = isinstance(pattern, bytes)
            text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
            key = (text, int(compiled.flags) & ~re.UNICODE.value, binary)
            seen.setdefault(key, f"{Path(name).relative_to(ROOT)}:{frame.f_lineno}")
        return compiled

    re._compile = watching  # type: ignore[attr-defined]
    import gc
    import importlib
    import pkgutil

    import analyzer

    for module in pkgutil.walk_packages(analyzer.__path__, "analyzer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("slow-rbac-one-core.short.txt", "datastore-stall.export", "cut-body.json"):
        found = analyzer.analyze(analyzer.load(ROOT / "sample_logs" / name))
        found.anonymized().to_text()
        found.to_json()
    from analyzer.events.redaction import _compiled, _Rule
    from analyzer.events.vocabulary import LazyPattern

    for thing in gc.get_objects():
        if isinstance(thing, LazyPattern):
            thing.search("")
        elif isinstance(thing, _Rule):
            _compiled(thing)
    return [{"pattern": p, "flags": f, "binary": b, "where": where} for (p, f, b), where in seen.items()]


def _key(path: Path, name: str) -> str:
    return f"{path}:{name}" if name.startswith("_") else name


def _uses() -> tuple[dict[str, set[str]], dict[str, str]]:
    """Methods called on each name (of a file, if the name is private), and the name that each line assigns to."""
    used: dict[str, set[str]] = defaultdict(set)
    named: dict[str, str] = {}
    for path in (ROOT / "analyzer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in METHODS:
                used[_key(path, node.value.id)].add(node.attr)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                            named[f"{path.relative_to(ROOT)}:{line}"] = _key(path, target.id)
    return used, named


def expressions() -> list[Found]:
    """All of them."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.hostile.pumping"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    used, named = _uses()
    out = []
    for row in json.loads(ran.stdout):
        name = named.get(row["where"], "")
        methods = {"match"} if name.rpartition(":")[2] in LOOPED else used.get(name, set())
        out.append(Found(**row, methods=tuple(sorted(methods)) or ("search",)))
    return out


# --- hostile text ---------------------------------------------------------------------------------------------------


def _sample(code: Any, value: Any) -> str:
    """The shortest text that one item of a parsed expression accepts, as well as can be told."""
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if code is codes.ANY:
        return "x"
    if code is codes.IN:
        return _of_class(value)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return _text(value[2]) * max(1, min(value[0], 4))
    if code is codes.SUBPATTERN:
        return _text(value[3])
    if code is codes.BRANCH:
        return _text(value[1][0])
    if code is codes.ATOMIC_GROUP:
        return _text(value)
    return ""


def _of_class(items: Any) -> str:
    first = items[0]
    negate = first[0] is codes.NEGATE
    if not negate:
        code, value = first
        if code is codes.LITERAL:
            return chr(value)
        if code is codes.RANGE:
            return chr(value[0])
        return {codes.CATEGORY_DIGIT: "7", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "w"}.get(value, "!")
    for char in 'a 0"!\n-':
        if re.match(f"[{char}]" if char != "-" else r"\-", char) and not _in(items[1:], char):
            return char
    return "z"


def _in(items: Any, char: str) -> bool:
    for code, value in items:
        if code is codes.LITERAL and chr(value) == char:
            return True
        if code is codes.RANGE and value[0] <= ord(char) <= value[1]:
            return True
        if code is codes.CATEGORY:
            kind = {codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_WORD: r"\w",
                    codes.CATEGORY_NOT_DIGIT: r"\D", codes.CATEGORY_NOT_SPACE: r"\S",
                    codes.CATEGORY_NOT_WORD: r"\W"}[value]  # fmt: skip
            if re.match(kind, char):
                return True
    return False


def _text(tree: Any) -> str:
    return "".join(_sample(code, value) for code, value in tree)


def _walk(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """``(what has to stand before it, its sample)`` of every repeat and of every item of the expression."""
    for code, value in tree:
        piece = _sample(code, value)
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            body = _text(value[2])
            if body:
                yield before, body
            yield from _walk(value[2], before)
        elif code is codes.SUBPATTERN:
            yield from _walk(value[3], before)
        elif code is codes.BRANCH:
            for branch in value[1]:
                yield "", before + _text(branch)
                yield from _walk(branch, before)
        elif code is codes.ATOMIC_GROUP:
            yield from _walk(value, before)
        before += piece
        if before:
            yield "", before


EVERYDAY = ('"', "\\", '\\"', "'", " ", "[", "]", "{", "(", "0", "a", "a ", ".", "-", "=", "a=", "/", ":", "a:", ",",
            "\t", "_", "aA0", "x.", "1 ", "\x1b[", "é", '="', "\\\\\"")  # fmt: skip


def attacks(pattern: str, flags: int) -> list[tuple[str, str, str]]:
    """``(head, pumped, tail)``: text is the head, the middle one many times, and a tail on which the match fails."""
    tree = parser.parse(pattern, flags)
    pumps: dict[tuple[str, str], None] = {}
    for head, piece in _walk(tree, ""):
        if not piece:
            continue
        pumps[(head, piece)] = None
        if head:
            pumps[("", head + piece)] = None
    for piece in EVERYDAY:
        pumps[("", piece)] = None
    return [(head, piece, tail) for head, piece in pumps for tail in ("\x00",)]


def text_of(attack: tuple[str, str, str], size: int) -> str:
    head, piece, tail = attack
    return head + piece * (size // len(piece)) + tail


if __name__ == "__main__":
    json.dump(_collect(), sys.stdout)
