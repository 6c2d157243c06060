"""Policies of other packages: what one of them raises or answers wrongly is told as its fault, by name.

An entry point of the group ``k3slog.policies`` names a callable that takes the parameters and returns a policy.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast, get_args

from analyzer.errors import BadInputError, UsageError
from analyzer.policies.protocol import AskAt, Decision, Limits, Loop, Observation, Policy, Stop, StopKind

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from analyzer.policies.vector import Answers, FloatArray, VectorLoop


@contextmanager
def _fault_of(plugin: str) -> Iterator[None]:
    try:
        yield
    except (BadInputError, UsageError):  # told on purpose
        raise
    except (Exception, SystemExit) as error:
        raise BadInputError(
            f"{plugin} failed: {type(error).__name__}: {error}",
            hint="This is a fault of the plug-in: tell its authors, or choose another --policy.",
        ) from error


def load_plugin(point: EntryPoint, params: Mapping[str, Any]) -> Policy:
    """The policy of an entry point; raises ``BadInputError`` that names it when it fails or gives something else."""
    package = "" if point.dist is None else f" of {point.dist.name}"
    plugin = f"policy plug-in {point.name!r} ({point.value}{package})"
    with _fault_of(plugin):
        made = point.load()(**params)
        if not isinstance(made, Policy) or not isinstance(made.limits, Limits) or not isinstance(made.name, str):
            raise TypeError(f"it gives {type(made).__name__}, which is no policy")
        kind = _VectorPlugin if hasattr(made, "vector_loops") else _Plugin
        return kind(made.name, made.limits, int(made.decisive), bool(made.informed), plugin, made)


def limited(policy: Policy, limits: Limits) -> Policy:
    """``policy`` with other limits, where its type allows that (all built-in ones do)."""
    given: Any = policy
    if not is_dataclass(given) or not any(f.name == "limits" and f.init for f in fields(given)):
        return policy
    return cast(Policy, replace(cast(Any, policy), limits=limits))


@dataclass(frozen=True)
class _Plugin:
    name: str
    limits: Limits
    decisive: int
    informed: bool
    plugin: str
    policy: Any = field(repr=False)

    def loops(self, rng: random.Random) -> tuple[Loop, ...]:
        with _fault_of(self.plugin):
            made = self._checked(limited(self.policy, self.limits).loops(rng))
        return tuple(_Loop(self.plugin, loop) for loop in made)

    def _checked(self, loops: Any) -> tuple[Loop, ...]:
        found = tuple(loops)
        if not 0 <= self.decisive < len(found) or not all(isinstance(loop, Loop) for loop in found):
            raise TypeError(f"its loops are {found!r}, of which number {self.decisive} should decide")
        return found


class _VectorPlugin(_Plugin):
    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        with _fault_of(self.plugin):
            made = self._checked(cast(Any, limited(self.policy, self.limits)).vector_loops(noise, names))
        return tuple(_ManyLoops(self.plugin, loop, len(noise)) for loop in made)


@dataclass
class _Loop:
    """A loop of a plug-in, every answer of which is looked at."""

    plugin: str
    loop: Any

    def first(self) -> Decision:
        with _fault_of(self.plugin):
            return _decision(self.loop.first())

    def next(self, seen: Observation) -> Decision:
        with _fault_of(self.plugin):
            return _decision(self.loop.next(seen))


def _decision(made: Any) -> Decision:
    if isinstance(made, AskAt) and isinstance(made.at_s, int | float) and not math.isnan(made.at_s):
        return made
    if isinstance(made, Stop) and made.kind in get_args(StopKind):
        return made
    raise TypeError(f"it answers {made!r} instead of AskAt or Stop")


@dataclass
class _ManyLoops:
    """The same for many worlds."""

    plugin: str
    loop: Any
    worlds: int

    def first(self) -> FloatArray:
        with _fault_of(self.plugin):
            return _moments(self.loop.first(), self.worlds)

    def next(self, seen: Answers) -> FloatArray:
        with _fault_of(self.plugin):
            return _moments(self.loop.next(seen), len(seen.who))


def _moments(made: Any, count: int) -> FloatArray:
    import numpy as np

    found = np.array(made, dtype=float)
    if found.shape != (count,) or np.isnan(found).any():
        raise TypeError(f"it answers {made!r} instead of {count} moments")
    return found
