"""What the error text of a readiness poll means: one class of the contract's table each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from analyzer.events.event import PollError, ReadyzBody, Severity
from analyzer.events.readyz import parse_body
from analyzer.events.vocabulary import load, read_as

_PREVIOUS = re.compile(r"(?<!\s)\s+-\s+error from a previous attempt:")
_CUT_MARK = re.compile(r"(?:>|…|\.{3})\s*\Z")
# A cut text must be this long, without spaces, to be taken for the beginning of a known one.
_CLEAR_BEGINNING = 24


def _squash(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()


@dataclass(frozen=True, slots=True)
class _Class:
    id: str
    severity: Severity
    http_status: int | None = None
    whole: frozenset[str] = frozenset()
    contains: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    title: str = ""
    advice: str = ""


@cache
def _classes() -> tuple[_Class, ...]:
    squashed = ("whole", "contains", "ends")
    return tuple(
        read_as(_Class, {**raw, **{key: [_squash(text) for text in raw.get(key, ())] for key in squashed}})
        for raw in load("errors.toml")["error"]
    )


@cache
def advice(error: str) -> tuple[str, str]:
    """Title and advice for answers of a class that do not go away; empty for classes that heal by themselves."""
    return next(((one.title, one.advice) for one in _classes() if one.id == error and one.title), ("", ""))


@cache
def severities() -> dict[str, Severity]:
    """Every error class with its severity."""
    return {one.id: one.severity for one in _classes()}


@cache
def statuses() -> dict[str, int]:
    """The HTTP status of every error class that stands for one answer."""
    return {one.id: one.http_status for one in _classes() if one.http_status is not None}


def _matches(one: _Class, text: str) -> bool:
    if text in one.whole or any(part in text for part in one.contains) or text.endswith(one.ends):
        return True
    return len(text) >= _CLEAR_BEGINNING and any(whole.startswith(text) for whole in one.whole)


def _class(name: str) -> _Class:
    return next(one for one in _classes() if one.id == name)


def _answer(one: _Class, body: ReadyzBody | None = None) -> PollError:
    return PollError(one.id, one.severity, one.http_status, body)


@lru_cache(maxsize=4096)
def classify(text: str) -> PollError:
    """The class of the text after ``GET /readyz failed: `` (unquoted once; further escapes do no harm).

    Never raises: what is not known is ``other``. ``http_status`` is set where the text stands for one answer.
    """
    body = parse_body(text) if "[" in text or "&#" in text else None
    if body is not None and _is_list(text, body):
        return _answer(_class("readyz_failing"), body)
    # client-go hides retries inside one poll: the last answer counts.
    last = _PREVIOUS.split(text.strip(), maxsplit=1)[0]
    squashed = _squash(_CUT_MARK.sub("", last))
    # What the server says in a 5xx answer is about its own connections, not about this one.
    answered = squashed.startswith("anerrorontheserver(")
    possible = (one for one in _classes() if one.http_status == 500 or not answered)
    return _answer(next((one for one in possible if _matches(one, squashed)), _class("other")))


def _is_list(text: str, body: ReadyzBody) -> bool:
    """A body that names a check, or one cut in its first line inside the text that carries lists."""
    return bool(body.ok or body.failing or body.excluded) or "error on the server" in text
