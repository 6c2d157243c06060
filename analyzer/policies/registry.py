"""Policies by name: built in, from an entry point of the group ``k3slog.policies``, or from a TOML file.

A TOML file holds one table ``[policy]``: ``kind`` is the name of a known policy, ``name`` the new name, ``request_s``
and ``total_s`` its limits, and every other key a parameter of that kind::

    [policy]
    name = "eager"
    kind = "adaptive"
    late_min_s = 0.15
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from analyzer.errors import BadInputError, UsageError
from analyzer.policies.adaptive import Adaptive, AdaptiveParams
from analyzer.policies.protocol import Limits, Policy
from analyzer.policies.simple import Backoff, Optimal, Oracle
from analyzer.policies.ticker import Legacy4x1s, Shared2s

GROUP = "k3slog.policies"
_COMMON = frozenset({"limits", "decisive", "informed", "told", "params"})


def _adaptive(**params: Any) -> Policy:
    outer = {key: params.pop(key) for key in ("name", "limits") if key in params}
    return Adaptive(params=AdaptiveParams(**params), **outer)


BUILT_IN: Mapping[str, tuple[Callable[..., Policy], type]] = {
    "legacy-4x1s": (Legacy4x1s, Legacy4x1s),
    "shared-2s": (Shared2s, Shared2s),
    "backoff": (Backoff, Backoff),
    "adaptive": (_adaptive, AdaptiveParams),
    "optimal": (Optimal, Optimal),
    "oracle": (Oracle, Oracle),
}


def names() -> tuple[str, ...]:
    """Every policy that ``get`` knows, built-in ones first."""
    extra = sorted(point.name for point in entry_points(group=GROUP) if point.name not in BUILT_IN)
    return (*BUILT_IN, *extra)


def get(name: str, **params: Any) -> Policy:
    """A policy by name or by the path of a TOML file.

    Raises ``UsageError`` for an unknown name or parameter, ``BadInputError`` for an unreadable file.
    """
    if name.endswith(".toml"):
        return from_toml(Path(name))
    if name in BUILT_IN:
        return _build(name, params)
    for point in entry_points(group=GROUP):
        if point.name == name:
            made = point.load()(**params)
            if not isinstance(made, Policy):
                raise BadInputError(f"entry point {name} of group {GROUP} gives no policy")
            return made
    raise UsageError(f"unknown policy {name!r}", hint=f"Known: {', '.join(names())}, or a .toml file.")


def from_toml(path: Path) -> Policy:
    """The policy that a TOML file describes.

    Raises ``BadInputError`` when the file cannot be read or does not hold a policy, ``UsageError`` for a bad key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("policy")
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: {error}") from error
    if not isinstance(table, dict) or table.get("kind") not in BUILT_IN:
        raise BadInputError(
            f"{path}: no [policy] table with a known kind", hint=f"kind is one of {', '.join(BUILT_IN)}."
        )
    table = dict(table)
    kind = table.pop("kind")
    table.setdefault("name", path.stem)
    if "request_s" in table or "total_s" in table:
        base = Limits()
        table["limits"] = replace(
            base,
            request_s=float(table.pop("request_s", base.request_s)),
            total_s=float(table.pop("total_s", base.total_s or 0.0)) or None,
        )
    if isinstance(table.get("times_s"), list):
        table["times_s"] = tuple(float(at) for at in table["times_s"])
    return _build(kind, table)


def _build(kind: str, params: Mapping[str, Any]) -> Policy:
    make, shape = BUILT_IN[kind]
    allowed = {f.name: f for f in fields(shape) if f.name not in _COMMON} | {"name": None, "limits": None}
    for key, value in params.items():
        if key not in allowed:
            known = ", ".join(k for k in allowed if k not in ("name", "limits"))
            raise UsageError(f"policy {kind} has no parameter {key!r}", hint=f"It has: {known or 'none'}.")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (value < 0 or value != value):
            raise UsageError(f"parameter {key} of policy {kind} must not be negative: {value}")
        if key in ("interval_s", "first_s", "late_min_s", "many_s", "wait_min_s", "tail_s") and value == 0:
            raise UsageError(f"parameter {key} of policy {kind} must be above 0")
    try:
        return make(**params)
    except TypeError as error:
        raise UsageError(f"policy {kind}: {error}") from error
