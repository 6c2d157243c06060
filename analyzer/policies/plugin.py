"""Policies of other packages: what one of them raises or answers wrongly is told as its fault, by name.

An entry point of the group ``k3slog.policies`` names a callable that takes the parameters and returns a policy.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
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
            raise TypeError(f"it gives {type(made).__name__}, which is not a policy")
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
        return self._watched(_decision, "loops", rng)

    def _watched(self, checked: Callable[[Any, Any], Any], method: str, *given: Any) -> tuple[_Loop, ...]:
        with _fault_of(self.plugin):
            found = tuple(getattr(limited(self.policy, self.limits), method)(*given))
            if not 0 <= self.decisive < len(found) or not all(isinstance(loop, Loop) for loop in found):
                raise TypeError(f"its loops are {found!r}, of which number {self.decisive} should decide")
        return tuple(_Loop(self.plugin, loop, checked) for loop in found)


class _VectorPlugin(_Plugin):
    def vector_loops(self, noise: FloatArray, names: tuple[str, ...]) -> tuple[VectorLoop, ...]:
        return self._watched(partial(_moments, len(noise)), "vector_loops", noise, names)


@dataclass
class _Loop:
    """A loop of a plug-in, in one world or in many, every answer of which is looked at: what ``checked`` gives for
    the answer and what it answers to (``None`` at first)."""

    plugin: str
    loop: Any
    checked: Callable[[Any, Any], Any]

    def first(self) -> Any:
        with _fault_of(self.plugin):
            return self.checked(self.loop.first(), None)

    def next(self, seen: Any) -> Any:
        with _fault_of(self.plugin):
            return self.checked(self.loop.next(seen), seen)


def _decision(made: Any, seen: Observation | None) -> Decision:
    if isinstance(made, AskAt) and isinstance(made.at_s, int | float) and not math.isnan(made.at_s):
        return made
    if isinstance(made, Stop) and made.kind in get_args(StopKind):
        return made
    raise TypeError(f"it answers {made!r} instead of AskAt or Stop")


def _moments(worlds: int, made: Any, seen: Answers | None) -> FloatArray:
    import numpy as np

    count = worlds if seen is None else len(seen.who)
    found = np.array(made, dtype=float)
    if found.shape != (count,) or np.isnan(found).any():
        raise TypeError(f"it answers {made!r} instead of {count} moments")
    return found
