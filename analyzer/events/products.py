"""How commands, files, ports and variables are called for the one who reads an advice (``products.toml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from analyzer.events.vocabulary import load
from analyzer.site import NOWHERE, Site

_WORD = re.compile(r"\{([a-z_]+)\}")
_NESTED = 4  # words in words
_DRIVE = re.compile(r"\b[A-Z]:\\[^\s,;)]*")


class Filled(str):
    """A text whose words are filled in already: braces that are left in it are the log's own."""

    __slots__ = ()


@cache
def words(site: Site) -> Mapping[str, str]:
    """Every word in braces that an advice may use, filled in."""
    data, finding_words = load("products.toml"), load("findings.toml")["words"]
    product = data["product"]["rke2" if site.product == "rke2" else "k3s"]
    found = {name: text for name, text in product.items() if isinstance(text, str)}
    if site.role == "agent":
        found |= product["agent"]
    found |= data["windows" if site.supervisor == "windows" else "linux"] | data["supervisor"][site.supervisor]
    found |= {"disk": finding_words["disk"][site.datastore], "component": finding_words["component"]}
    if site.unit:
        found |= {"unit": site.unit, "units": site.unit}
    elif site.role != "unknown":
        found["units"] = found["unit"]
    elif site.product == "unknown":
        found["units"] = " -u ".join(data["product"][name]["units"] for name in ("k3s", "rke2"))
    if site.servers:
        found["asked_server"] = f"https://{site.servers[0]}"
    if site.data_dir:
        found["data"] = site.data_dir
    return {name: _filled(text, found) for name, text in found.items()}


def _filled(text: str, known: Mapping[str, str]) -> str:
    for _ in range(_NESTED):
        text = _WORD.sub(lambda word: known.get(word[1], word[0]), text)
    return text


def advise(advice: str, site: Site = NOWHERE) -> str:
    """An advice with its words in braces filled in, once; by default for no certain start."""
    if isinstance(advice, Filled):
        return advice
    return Filled(_DRIVE.sub(lambda path: path[0].replace("/", "\\"), _filled(advice, words(site))))


def advise_on(advice: str, target: str, site: Site = NOWHERE) -> str:
    """The same with ``target``, words of the log, in place of ``{target}``: whatever braces it has stay."""
    return advice if isinstance(advice, Filled) else Filled(advise(advice, site).replace("{target}", target))


@cache
def _rke2_words() -> re.Pattern[str]:
    return re.compile(load("products.toml")["only_rke2"]["says"])


def only_rke2_says(message: str) -> bool:
    """Whether a message begins with words that k3s does not have."""
    return _rke2_words().match(message) is not None


def known_words() -> frozenset[str]:
    """The names that an advice may have in braces."""
    return frozenset(words(NOWHERE))
