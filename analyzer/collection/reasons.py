"""Why a start failed, in words that equal failures of many hosts share: what belongs to one host is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from analyzer.analysis.episodes import leading
from analyzer.events import chain
from analyzer.events.finding_info import info
from analyzer.events.redaction import mask_secrets
from analyzer.results import StartReport

LEFT_OUT = "…"
_MOST = 400  # characters that are looked at
_SHOWN = 120
_SHORTEST = 3  # characters of a host's name; shorter ones are parts of words

# In this order: what is put in place of one is not found by the next ones.
_OF_ONE_HOST = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'\\)\]]+",  # URLs
        r"\[[0-9A-Fa-f:.]{2,45}(?:%\w{1,15})?\](?::\d{1,5})?",
        r"(?<![\w.:])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]{1,4}:){3})"
        r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?<=::))(?!\w)",  # IPv6
        r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?(?![\w.])",  # IPv4
        r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",  # UUIDs
        r"\b(?:0x[0-9A-Fa-f]+|(?:sha256:)?(?=[a-f]*\d)[0-9a-f]{8,})\b",  # hashes, addresses in memory
        r"(?<![\w/.…])/[\w@+.-]+(?:/[\w@+.-]*)+",  # paths; /readyz alone is the same on every host
        r"\b(?![\w.-]*\.(?:k8s|cattle|kubernetes)\.io\b)"
        r"[A-Za-z][\w-]*(?:\.[A-Za-z0-9-]+){2,}(?::\d{2,5})?\b",  # names with a domain
        r"\b[A-Za-z][\w.]{0,40}(?:-[\w.]{1,40}){0,6}-\d[\w.-]{0,40}\b",  # names that were numbered: node-17
        # 17, 1.5s, 1m30s; a signal and an exit code are no matter of the host
        r"(?<![\w…])(?<!signal )(?<!status[ =])(?<!code[ =])"
        r"[+-]?\d+(?:[.,:]\d+)*(?:[a-zµ]{1,2}\d+(?:\.\d+)?){0,3}(?:[a-zµ%]{1,2}\b)?",
    )
)
_SEVERAL = re.compile(rf"{LEFT_OUT}(?:[\s:/,>-]{{0,3}}{LEFT_OUT})+")


def reason(start: StartReport) -> str:
    """Why a start failed; empty where the log does not tell.

    The title of the finding that explains it, else the innermost of the words with which it ended.
    """
    names = {start.host or "", *start.links.names}
    found = leading(start.findings)
    if found is not None and found.severity != "info":
        return _titled(found.id, found.title, names)
    for said in (start.outcome_reason, start.end.reason):
        if said:
            return _innermost(said, start.product, names)
    return _titled(found.id, found.title, names) if found is not None else ""


def shared(text: str, names: Iterable[str] = ()) -> str:
    """``text`` on one line without addresses, names, numbers, hashes and paths of one host, and without secrets."""
    text = " ".join(mask_secrets(text).split())[:_MOST]
    for name in sorted((name for name in names if len(name) >= _SHORTEST), key=lambda name: (-len(name), name)):
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", LEFT_OUT, text, flags=re.IGNORECASE)
    for pattern in _OF_ONE_HOST:
        text = pattern.sub(LEFT_OUT, text)
    text = _SEVERAL.sub(LEFT_OUT, text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rstrip(' :;,')}{LEFT_OUT}"


def _titled(id: str, title: str, names: Iterable[str]) -> str:
    """A finding's title: numbers of the vocabulary's own stay (``Not ready within 15 minutes``)."""
    return title if title in _own_titles(id) else shared(title, names)


@cache
def _own_titles(id: str) -> frozenset[str]:
    about = info(id)
    return frozenset() if about is None else frozenset((about.title, about.title_over))


def _innermost(said: str, product: str, names: Iterable[str]) -> str:
    read = chain.read(said, product)
    if read.title and "{" not in read.title:
        return shared(read.title, names)
    return shared(said[read.links[-1].begin :] if read.links else said, names)
