"""Which flags k3s and RKE2 have, by role and release (``flags.toml``): what a flag that is not known may be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from analyzer.events.vocabulary import Minor, load, minor

ROLES = ("server", "agent")
_ALIKE = 0.75  # of difflib: one or two letters in a word of usual length
_FIRST, _LAST = (1, 16), (9, 99)  # releases before the first one read, and all to come


@dataclass(frozen=True, slots=True)
class Guess:
    """What an unknown flag is most likely: in one line, in sentences, and what to do ({config} and its like)."""

    title: str
    means: str
    advice: str


@cache
def _spans() -> Mapping[tuple[str, str], tuple[Minor, Minor]]:
    """(role, flag) → its first and last minor."""
    found: dict[tuple[str, str], tuple[Minor, Minor]] = {}
    for raw in load("flags.toml")["flags"]:
        span = (minor(raw["since"]) if "since" in raw else _FIRST, minor(raw["until"]) if "until" in raw else _LAST)
        found |= {(role, name): span for role in raw["roles"] for name in raw["names"]}
    return found


def known(role: str, product: str = "k3s", release: Minor | None = None) -> frozenset[str]:
    """The flags of a role; of a release where it is known, else of any that still counts."""
    at = release or _LAST
    names = {name for (of, name), (first, last) in _spans().items() if of == role and first <= at <= last}
    if product == "rke2":
        rke2 = load("flags.toml")["rke2"]
        names = (names - set(rke2["dropped"])) | set(rke2["both"]) | set(rke2["server"] if role == "server" else ())
    return frozenset(names)


def guess(flag: str, role: str, product: str, release: Minor | None) -> Guess | None:
    """What a flag of the command line may be that ``role`` does not know; ``None``: nothing is known of it."""
    name, said = flag.lstrip("-"), f"--{flag.lstrip('-')}"
    mine, other = role, "agent" if role == "server" else "server"
    if role in ROLES and name not in known(mine, product, release) and name in known(other, product, release):
        return _of_the_other(said, mine, other)
    if product == "rke2" and name in load("flags.toml")["rke2"]["dropped"]:
        return Guess(
            f"{said} is a flag of k3s: RKE2 does not have it",
            "RKE2 takes most flags of k3s and leaves this one out.",
            f"Take {said.lstrip('-')} out of {{arguments}} and {{config}}.",
        )
    spans = [span for (of, one), span in _spans().items() if one == name and role in (of, "unknown")]
    if spans and all(last < (release or _LAST) for _, last in spans):
        return _removed(name, said, max(last for _, last in spans))
    if spans and release is not None and all(release < first for first, _ in spans):
        return _newer(said, min(first for first, _ in spans))
    if spans and release is None and all(first > _FIRST for first, _ in spans):
        first = min(first for first, _ in spans)
        having = [one for one in ROLES if (one, name) in _spans()]
        return _newer(said, first) if role in ROLES or len(having) > 1 else _of_one_role(said, having[0], first)
    return None if spans else _typing_error(name, said, role, product, release)


def _of_the_other(said: str, mine: str, other: str) -> Guess:
    on = "on the servers" if other == "server" else "on the agents"
    return Guess(
        f"{said} is a flag of the {other}: the {mine} does not have it",
        f"{'An agent' if mine == 'agent' else 'A server'} ends at once with a flag that only the {other} knows.",
        f"Take {said.lstrip('-')} out of {{arguments}}, out of {{env_file}} and out of {{config}} on this node; set it "
        f"{on}. Then {{start}}.",
    )


def _of_one_role(said: str, having: str, first: Minor) -> Guess:
    return Guess(
        f"{said} is a flag of the {having} alone, and not of old releases",
        f"The log does not show whose command line this is. It came with about {first[0]}.{first[1]}.",
        f"Take {said.lstrip('-')} out of {{arguments}} and {{config}} unless this is a {having}; "
        "on one, install a release that has it.",
    )


def with_its_value(flag: str, value: str) -> Guess:
    """What a flag is whose name holds a blank: the flag and its value came as one argument."""
    said, name = f"--{flag.lstrip('-')}", flag.lstrip("-")
    return Guess(
        f"{said} and its value came as one word: no flag is called so",
        "A flag's name ends at the first = sign. Here it holds a blank: both stand within the same quotes, or in "
        "one item of a list.",
        f"Write them as two words ({said} {value}), with = between them, or as {name}: {value} in {{config}}; "
        "then {start}.",
    )


def _removed(name: str, said: str, last: Minor) -> Guess:
    instead = load("flags.toml")["instead"].get(name)
    return Guess(
        f"{said} was removed: this release does not have it any more",
        f"Releases up to about {last[0]}.{last[1]} had it.",
        f"Take {name} out of {{arguments}} and {{config}}"
        + (f"; what does its work now: {instead}." if instead else "."),
    )


def _newer(said: str, first: Minor) -> Guess:
    return Guess(
        f"{said} is not in this release: later ones have it",
        f"It came with about {first[0]}.{first[1]}.",
        f"Take {said.lstrip('-')} out of {{arguments}} and {{config}}, or install a release that has it.",
    )


def _typing_error(name: str, said: str, role: str, product: str, release: Minor | None) -> Guess | None:
    roles = (role,) if role in ROLES else ROLES
    names = sorted(set().union(*(known(one, product, release) for one in roles)))
    near = difflib.get_close_matches(name[:60], names, n=1, cutoff=_ALIKE)
    if not near:
        return None
    return Guess(
        f"{said} is not a flag: --{near[0]} may be meant",
        "No release that is known has a flag of that name.",
        f"If --{near[0]} is meant, correct it in {{arguments}} or {{config}}; else take {name} out.",
    )
