"""The checks of /readyz: what each waits for, its limit, what makes it slow, and what it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from analyzer.events.vocabulary import load, read_as

HOOK = "poststarthook/"

CheckKind = Literal["trivial", "blocking", "probe", "static"]


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """One check. ``limit_s`` in seconds; ``None``: it waits for ever, or its limit is not known.

    ``monotone``: once ok it stays ok until the server shuts down. ``hard_limit``: the limit holds also in the middle
    of a try. ``needs``: checks that must be ok before this one can be; ``uses``: the roots that its own work goes
    through. ``first_try_s``: so long after serving it does nothing. ``known`` is False for names not in the data.
    """

    name: str
    kind: CheckKind
    monotone: bool
    waits_for: str
    limit_s: float | None = None
    slow_causes: tuple[str, ...] = ()
    advice: str = ""
    needs: tuple[str, ...] = ()
    needs_when_fresh: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    first_try_s: float = 0.0
    hard_limit: bool = False
    description: str = ""
    example: str = ""  # its line in the API server's own log
    known: bool = True

    @property
    def short(self) -> str:
        """The name without the prefix that all hooks share."""
        return self.name.removeprefix(HOOK)


@dataclass(frozen=True, slots=True)
class Root:
    """What checks wait for that is no check itself; the fields are explained in ``checks.toml``."""

    id: str
    words: str
    why: str
    words_rke2: str = ""
    phase: str = ""
    probes: tuple[str, ...] = ()
    settling_s: float = 0.0
    findings: tuple[str, ...] = ()
    slow: str = ""
    which: str = ""
    early: str = ""
    mild: bool = False


@cache
def roots() -> dict[str, Root]:
    """All roots by their id."""
    return {raw["id"]: read_as(Root, raw) for raw in load("checks.toml")["root"]}


@cache
def _known() -> tuple[dict[str, CheckInfo], tuple[tuple[re.Pattern[str], CheckInfo], ...]]:
    by_name: dict[str, CheckInfo] = {}
    by_pattern: list[tuple[re.Pattern[str], CheckInfo]] = []
    for raw in load("checks.toml")["check"]:
        about = read_as(CheckInfo, raw, name="")
        for name in raw.get("names", ()):
            by_name[name] = replace(about, name=name)
        by_pattern.extend((re.compile(pattern), about) for pattern in raw.get("patterns", ()))
    return by_name, tuple(by_pattern)


def known_checks() -> tuple[CheckInfo, ...]:
    """All checks of the data, in its order."""
    return tuple(_known()[0].values())


@cache
def info(name: str) -> CheckInfo:
    """What is known of a check; never fails.

    An unknown name with the hooks' prefix is a hook, which never goes back; any other unknown name may.
    """
    by_name, by_pattern = _known()
    if name in by_name:
        return by_name[name]
    for pattern, about in by_pattern:
        if pattern.match(name):
            return replace(about, name=name)
    if name.startswith(HOOK):
        return CheckInfo(name, "blocking", True, "not known here: a hook of another release or build", known=False)
    return CheckInfo(name, "probe", False, "not known here: a check of another release or build", known=False)
