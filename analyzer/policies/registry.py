"""Policies by name: built in, from an entry point of the group ``k3slog.policies``, or from a TOML file.

A TOML file holds one table ``[policy]``: ``kind`` is the name of a known policy, ``name`` the new name, ``request_s``
and ``total_s`` its limits, and every other key a parameter of that kind::

    [policy]
    name = "eager"
    kind = "adaptive"
    late_min_s = 0.15
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from analyzer.errors import BadInputError, UsageError
from analyzer.policies import kinds
from analyzer.policies.plugin import load_plugin
from analyzer.policies.protocol import Limits, Policy

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP = "k3slog.policies"
_LIMITS = tuple(f.name for f in fields(Limits))


def built_in() -> tuple[str, ...]:
    """The policies that come with the package, one module each."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(kinds.__path__)))


def names() -> tuple[str, ...]:
    """Every policy that ``get`` knows, built-in ones first."""
    own = built_in()
    return (*own, *sorted({point.name for point in entry_points(group=GROUP)} - {*own}))


def entry_points(group: str) -> EntryPoints:
    """The entry points of ``group``. The library that finds them takes 30 ms to load, and a name of ours needs none."""
    from importlib import metadata

    return metadata.entry_points(group=group)


def get(name: str, **params: Any) -> Policy:
    """A policy by name or by the path of a TOML file.

    Raises ``UsageError`` for an unknown name or parameter, ``BadInputError`` for an unreadable file and for a plug-in
    that fails.
    """
    if name.endswith(".toml"):
        return from_toml(Path(name))
    if name in built_in():
        return _built_in(name, params)
    for point in entry_points(group=GROUP):
        if point.name == name:
            return load_plugin(point, params)
    raise UsageError(f"unknown policy {name!r}", hint=f"Known: {', '.join(names())}, or a .toml file.")


def from_toml(path: Path) -> Policy:
    """The policy that a TOML file describes.

    Raises ``BadInputError`` when the file cannot be read or does not hold a policy, ``UsageError`` for a bad key.
    """
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("policy")
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: {error}") from error
    if not isinstance(table, dict) or table.get("kind") not in names():
        raise BadInputError(
            f"{path}: no [policy] table with a known kind", hint=f"kind is one of {', '.join(names())}."
        )
    params = dict(table)
    kind, name = params.pop("kind"), params.pop("name", path.stem)
    if not isinstance(name, str) or not name:
        raise UsageError(f"{path}: name is not a string")
    limits: dict[str, Any] = {key: _number(kind, key, params.pop(key)) for key in _LIMITS if key in params}
    if limits.get("total_s") == 0:  # never give up
        limits["total_s"] = None
    made: Any = get(kind, **params)
    return cast(Policy, replace(made, name=name, limits=replace(made.limits, **limits)))


def _built_in(kind: str, params: Mapping[str, Any]) -> Policy:
    recipe: Any = import_module(f"{kinds.__name__}.{kind.replace('-', '_')}").POLICY
    known = {f.name: f for f in fields(recipe) if f.name not in ("name", "limits") and not f.name.startswith("_")}
    for key in params:
        if key not in known:
            raise UsageError(f"policy {kind} has no parameter {key!r}", hint=f"It has: {', '.join(known) or 'none'}.")
    return cast(Policy, recipe(**{key: _parameter(kind, known[key], value) for key, value in params.items()}))


def _parameter(kind: str, field: Field[Any], value: Any) -> Any:
    if isinstance(field.default, tuple):
        listed = value if isinstance(value, list | tuple) else [value]
        return tuple(sorted(_number(kind, field.name, each) for each in listed))
    number = _number(kind, field.name, value)
    if number == 0 and "above_zero" in field.metadata:
        raise UsageError(f"parameter {field.name} of policy {kind} must be above 0")
    if isinstance(field.default, int) and not number.is_integer():
        raise UsageError(f"parameter {field.name} of policy {kind} must be a whole number: {value}")
    return int(number) if isinstance(field.default, int) else number


def _number(kind: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"parameter {key} of policy {kind} must be a number: {value!r}")
    if not value >= 0:  # also NaN
        raise UsageError(f"parameter {key} of policy {kind} must not be negative: {value}")
    return float(value)
