"""Parametric worlds from a TOML file: how long each hook takes, what it waits for, what the server answers meanwhile.

::

    [scenario]                       # name, title, sources (list of texts)
    [machine]                        # cores, poll_cpu_s, coupling, latency_s, latency_sigma, slowness_sigma
    [[stage]]                        # answers before the check list, in order
    error = "service_unavailable"    # an error class of the contract
    duration = { kind = "lognormal", median = 1.6, sigma = 0.4 }
    [[hook]]
    check = "poststarthook/…"
    after = ["other check"]          # edges; without any it starts when the API handler exists
    delay_s = 1.0                    # fixed wait before the work (the two one-second hooks)
    duration = { … }
    [[overload]]                     # optional: a time of 429, 504 or timeouts
    error = "too_many_requests"
    begin = { … }                    # after the handler exists
    duration = { … }
    retry_after_s = 2.0
    [never]                          # optional: a share of starts never becomes ready, answering `error` for ever
    probability = 0.01
    error = "unauthorized"

A duration is ``fixed`` (seconds) · ``uniform`` (low, high) · ``lognormal`` (median, sigma) · ``weibull`` (shape,
scale) · ``exponential`` (mean). ``slowness_sigma`` multiplies all durations of a start by one common log-normal
factor: slow machines are slow in everything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.errors import BadInputError, UsageError
from analyzer.policies.protocol import CODE_OF
from analyzer.policies.vector import FloatArray
from analyzer.simulator.world import MAX_NAMES, Machine, Worlds

_KINDS: Mapping[str, tuple[str, ...]] = {
    "fixed": ("seconds",),
    "uniform": ("low", "high"),
    "lognormal": ("median", "sigma"),
    "weibull": ("shape", "scale"),
    "exponential": ("mean",),
}


@dataclass(frozen=True, slots=True)
class Duration:
    """A distribution of seconds."""

    kind: str
    values: tuple[float, ...]

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """``n`` draws."""
        a, *rest = self.values
        match self.kind:
            case "fixed":
                return np.full(n, a)
            case "uniform":
                return a + (rest[0] - a) * rng.random(n)
            case "lognormal":
                return np.asarray(a * np.exp(rest[0] * rng.standard_normal(n)))
            case "weibull":
                return np.asarray(rest[0] * rng.weibull(a, n))
            case _:
                return np.asarray(a * rng.standard_exponential(n))


@dataclass(frozen=True, slots=True)
class Stage:
    """One error class and how long it is the answer."""

    error: str
    duration: Duration


@dataclass(frozen=True, slots=True)
class Hook:
    """One check: what it waits for, a fixed wait, and the time its work takes."""

    check: str
    after: tuple[str, ...]
    delay_s: float
    duration: Duration


@dataclass(frozen=True, slots=True)
class Overload:
    """A time in which the server answers with an overload class."""

    error: str
    begin: Duration
    duration: Duration
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A parametric family of worlds."""

    name: str
    title: str
    sources: tuple[str, ...]
    machine: Machine
    slowness_sigma: float
    stages: tuple[Stage, ...]
    hooks: tuple[Hook, ...]
    overloads: tuple[Overload, ...] = ()
    never: float = 0.0
    never_error: str = "unauthorized"

    def draw(self, n: int, seed: int | tuple[int, ...]) -> Worlds:
        """``n`` worlds; the same seed gives the same bytes."""
        rng = np.random.default_rng(seed)
        slow = np.exp(self.slowness_sigma * rng.standard_normal(n))
        ends = np.zeros((n, len(self.stages)))
        now = np.zeros(n)
        for s, stage in enumerate(self.stages):
            now = now + stage.duration.draw(n, rng) * slow
            ends[:, s] = now
        done: dict[str, FloatArray] = {}
        clears = np.zeros((n, len(self.hooks)))
        for i, hook in enumerate(self.hooks):
            begin = np.maximum.reduce([now, *(done[need] for need in hook.after)])
            done[hook.check] = begin + hook.delay_s + hook.duration.draw(n, rng) * slow
            clears[:, i] = done[hook.check]
        ready = clears.max(axis=1) if self.hooks else now.copy()
        codes = tuple(CODE_OF[stage.error] for stage in self.stages)
        if self.never > 0:
            lost = rng.random(n) < self.never
            codes = (*codes, CODE_OF[self.never_error])
            ends = np.column_stack((ends, np.where(lost, np.inf, -np.inf)))
            ready = np.where(lost, np.inf, ready)
        over_begin = np.zeros((n, len(self.overloads)))
        over_end = np.zeros((n, len(self.overloads)))
        for o, over in enumerate(self.overloads):
            over_begin[:, o] = now + over.begin.draw(n, rng)
            over_end[:, o] = over_begin[:, o] + over.duration.draw(n, rng)
        m = self.machine
        return Worlds(
            names=tuple(hook.check for hook in self.hooks),
            stage_codes=codes,
            stage_ends=ends,
            clears=clears,
            ready=ready,
            group=np.arange(n),
            per_poll=np.full(n, m.delay_per_poll_s),
            poll_cpu=np.full(n, m.poll_cpu_s),
            latency=m.latency_s * slow,
            latency_sigma=np.full(n, m.latency_sigma),
            noise=rng.random((n, 8)),
            over_codes=tuple(CODE_OF[over.error] for over in self.overloads),
            over_begin=over_begin,
            over_end=over_end,
            over_retry=tuple(over.retry_after_s for over in self.overloads),
        )


def names() -> tuple[str, ...]:
    """Scenarios that come with the package."""
    folder = resources.files("analyzer.simulator") / "scenarios"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load(source: str) -> Scenario:
    """A packaged scenario by name, else a TOML file.

    Raises ``UsageError`` for an unknown name, ``BadInputError`` for a bad file.
    """
    if source in names():
        text = (resources.files("analyzer.simulator") / "scenarios" / f"{source}.toml").read_text(encoding="utf-8")
    elif source.endswith(".toml") or "/" in source:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{source}: {error}") from error
    else:
        raise UsageError(f"unknown scenario {source!r}", hint=f"Known: {', '.join(names())}, or a .toml file.")
    return parse(text, source)


def parse(text: str, source: str = "scenario") -> Scenario:
    """A scenario from TOML text; raises ``BadInputError`` that names the key at fault."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{source}: {error}") from error
    try:
        return _build(table)
    except (KeyError, TypeError, ValueError) as error:
        detail = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise BadInputError(f"{source}: {detail}", hint="See docs/simulator.md for the format.") from error


def _only(table: Mapping[str, Any], known: Iterable[str], complaint: str) -> None:
    for key in sorted(set(table) - set(known)):
        raise ValueError(f"{complaint} {key!r}")


def _number(value: Any, what: str, *, least: float = 0.0, above: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{what} must be a number")
    number = float(value)
    if not number < float("inf") or number < least or (above and number <= least):
        raise ValueError(f"{what} must be {'above' if above else 'at least'} {least:g} and finite")
    return number


def _duration(table: Any, what: str) -> Duration:
    if isinstance(table, (int, float)):
        return Duration("fixed", (_number(table, what),))
    kind = table["kind"]
    if kind not in _KINDS:
        raise ValueError(f"{what}: unknown kind {kind!r}, known: {', '.join(_KINDS)}")
    _only(table, ("kind", *_KINDS[kind]), f"{what}: {kind} has no")
    strict = {"median", "mean", "shape", "scale"}
    values = tuple(_number(table[key], f"{what}.{key}", above=key in strict) for key in _KINDS[kind])
    if kind == "uniform" and values[0] > values[1]:
        raise ValueError(f"{what}: low is above high")
    return Duration(kind, values)


def _error(name: Any, what: str) -> str:
    if name not in CODE_OF or not name:
        raise ValueError(f"{what}: unknown error class {name!r}")
    return str(name)


def _build(table: Mapping[str, Any]) -> Scenario:
    _only(table, ("scenario", "machine", "stage", "hook", "overload", "never"), "unknown table")
    head, raw = table["scenario"], dict(table.get("machine", {}))
    slowness = _number(raw.pop("slowness_sigma", 0.0), "machine.slowness_sigma")
    known = {"cores": True, "poll_cpu_s": False, "coupling": False, "latency_s": True, "latency_sigma": False}
    _only(raw, known, "machine has no")
    machine = Machine(**{key: _number(value, f"machine.{key}", above=known[key]) for key, value in raw.items()})
    hooks = {}
    for row in table.get("hook", []):
        if row["check"] in hooks:
            raise ValueError(f"check {row['check']!r} is there twice")
        hooks[row["check"]] = Hook(
            row["check"],
            tuple(row.get("after", ())),
            _number(row.get("delay_s", 0.0), "hook.delay_s"),
            _duration(row.get("duration", 0.0), f"hook {row['check']}"),
        )
    if len(hooks) > MAX_NAMES:
        raise ValueError(f"at most {MAX_NAMES} hooks")
    for hook in hooks.values():
        for need in hook.after:
            if need not in hooks:
                raise ValueError(f"hook {hook.check} waits for {need!r}, which is not a hook of the scenario")
    try:
        order = tuple(TopologicalSorter({h.check: h.after for h in hooks.values()}).static_order())
    except CycleError as error:
        raise ValueError(f"hooks wait for each other in a circle: {' → '.join(error.args[1])}") from error
    never = table.get("never", {})
    probability = _number(never.get("probability", 0.0), "never.probability")
    if probability > 1:
        raise ValueError("never.probability is above 1")
    return Scenario(
        name=str(head["name"]),
        title=str(head.get("title", head["name"])),
        sources=tuple(str(s) for s in head.get("sources", ())),
        machine=machine,
        slowness_sigma=slowness,
        stages=tuple(Stage(_error(r["error"], "stage"), _duration(r["duration"], "stage")) for r in table["stage"]),
        hooks=tuple(hooks[name] for name in order),
        overloads=tuple(
            Overload(
                _error(r["error"], "overload"),
                _duration(r["begin"], "overload.begin"),
                _duration(r["duration"], "overload.duration"),
                _number(r.get("retry_after_s", 0.0), "overload.retry_after_s"),
            )
            for r in table.get("overload", [])
        ),
        never=probability,
        never_error=_error(never.get("error", "unauthorized"), "never"),
    )
