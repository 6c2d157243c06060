"""All that a user reads, collected from where it is written: tables, code, templates, help, schemas and documents."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import typer
from typer.core import TyperGroup
from typer.main import get_command

from analyzer.frames import Table

# Keys of the tables under analyzer/events that hold words of a program, not ours.
OF_A_PROGRAM = frozenset(
    ("any", "contains", "ends", "example", "examples", "head", "last", "match", "text", "whole", "beside")
)


def of_table(table: object, key: str = "") -> Iterator[str]:
    """Every string of a TOML table but what a program prints."""
    if isinstance(table, dict):
        for name, value in table.items():
            yield from of_table(value, name)
    elif isinstance(table, list):
        for value in table:
            yield from of_table(value, key)
    elif isinstance(table, str) and key not in OF_A_PROGRAM:
        yield table


def of_toml(path: Path) -> Iterator[str]:
    return of_table(tomllib.loads(path.read_text()))


def of_code(source: str) -> Iterator[str]:
    """The literals of a module, f-strings with … for their values. No docstrings; a single word is an id."""
    tree = ast.parse(source)
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(piece) for piece in node.values}
            yield "".join(str(piece.value) if isinstance(piece, ast.Constant) else "…" for piece in node.values)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in left_out:
            continue
        if " " in node.value.strip():
            yield node.value


def of_template(source: str) -> str:
    """What a Jinja template says by itself: no elements, no expressions; attributes that are read out stay."""
    bare = re.sub(r"\{[%#{].*?[%#}]\}", "…", source, flags=re.DOTALL)
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", bare, flags=re.DOTALL)
    read_out = re.findall(r'\b(?:aria-label|title|alt|placeholder)="([^"]*)"', bare)
    return "\n".join([re.sub(r"<[^>]*>", "\n", bare), *read_out])


def of_help(app: typer.Typer) -> Iterator[tuple[str, Callable[[], str]]]:
    """The name of each command, and what reads its help with that of its options: it may have to be imported for it."""
    group = get_command(app)
    context = typer.Context(group)

    def said(name: str) -> str:
        command = group.get_command(context, name) if name and isinstance(group, TyperGroup) else group
        assert command is not None
        options = [str(getattr(option, "help", "") or "") for option in command.params]
        return "\n".join([command.help or "", command.epilog or "", *options])

    for name in ["", *(group.list_commands(context) if isinstance(group, TyperGroup) else ())]:
        yield f"k3slog {name}".strip(), partial(said, name)


def of_frames(tables: Iterable[Table]) -> Iterator[str]:
    """What the columns of the tables and the rows are."""
    for table in tables:
        yield f"One row per {table.row}."
        yield from (column.meaning for column in table.columns)


def of_schema(source: str) -> Iterator[str]:
    """The titles and descriptions of a JSON schema."""

    def said(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("title", "description") if isinstance(node.get(key), str))
            for value in node.values():
                yield from said(value)
        elif isinstance(node, list):
            for value in node:
                yield from said(value)

    return said(json.loads(source))


def of_notebook(source: str) -> Iterator[str]:
    """The cells of a notebook that are prose."""
    return ("".join(cell["source"]) for cell in json.loads(source)["cells"] if cell["cell_type"] == "markdown")
