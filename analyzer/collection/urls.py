"""URLs as names: shown without the credentials that some hold.

A URL may hold credentials (``https://user:password@host/…``, the signature of a presigned one). They are needed to open
it and shown nowhere: a :class:`Url` shows itself without them, and the words of errors are masked.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from analyzer.events.redaction import MASK, mask_secrets

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)
_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}://[^\s\"'<>]+")
WEB = ("http", "https")
_CONTAINER_BEFORE_AT = ("abfs", "abfss", "wasb", "wasbs")  # container@account: no user
_SECRET_PARAMETER = re.compile(
    r"x-amz-|x-goog-|x-oss-|sig|token|secret|pass|pwd|auth|cred|key|session|jwt|bearer|policy|code$", re.IGNORECASE
)
_LONG_VALUE = re.compile(r"(?=.*\d)[\w+/=%.~-]{32,}")  # may be a token, whatever its name
_PASSWORD_WITH_SLASH = re.compile(r"(?!\[)[^/@:]*:(?!\d{0,5}(?:/|$))[^@]*@")


class Url(str):
    """A URL that is shown without its credentials; ``plain`` has them."""

    __slots__ = ()

    @property
    def plain(self) -> str:
        """The URL itself, for opening it only."""
        return self[:]

    def __str__(self) -> str:
        return mask_url(self.plain)

    def __repr__(self) -> str:
        return repr(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def is_url(path: str) -> bool:
    """Whether ``path`` is a URL, and no file of that name is here."""
    return _URL.match(path) is not None and not os.path.lexists(path[:])


class Parts(NamedTuple):
    scheme: str
    user: str  # with its password, as written; empty: there is none
    place: str  # host and path
    query: tuple[str, ...]  # parameters of a web address, as written


def parts_of(url: str) -> Parts | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, rest = match["scheme"].lower(), match["rest"]
    rest, _, fragment = rest.partition("#") if scheme in WEB else (rest, "", "")
    place, mark, query = rest.partition("?")
    if mark and scheme not in WEB and "=" not in query:  # "?" stands for any character there
        place, query = rest, ""
    authority, slash, path = place.partition("/")
    user, at, host = authority.rpartition("@")
    if at:
        place = host + slash + path
    elif (torn := _PASSWORD_WITH_SLASH.match(place)) is not None:  # a password with "/" in it
        user, place = place[: torn.end() - 1], place[torn.end() :]
    if scheme in _CONTAINER_BEFORE_AT and user and ":" not in user:
        user, place = "", f"{user}@{place}"
    parameters = [one for one in re.split(r"[&;]", query) if one] + ([fragment] if "=" in fragment else [])
    return Parts(scheme, user, place, tuple(parameters))


def _is_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return _SECRET_PARAMETER.search(unquote(name)) is not None or _LONG_VALUE.fullmatch(value) is not None


def mask_url(url: str) -> str:
    """``url`` without user, password and the parameters that hold secrets; ``***`` stands for them.

    What is no URL comes back with its secrets masked.
    """
    parts = parts_of(url[:])
    if parts is None:
        return mask_secrets(url[:])
    shown = [one for one in parts.query if not _is_secret(one)]
    if len(shown) < len(parts.query):
        shown.append(MASK)
    user = f"{MASK}@" if parts.user else ""
    return mask_secrets(f"{parts.scheme}://{user}{parts.place}{'?' if shown else ''}{'&'.join(shown)}")


def mask_text(text: str, url: str = "") -> str:
    """``text`` of an error about ``url`` on one line, no credentials of any URL in it."""
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _IN_TEXT.sub(lambda found: mask_url(found[0]), " ".join(text.split()))
    return mask_secrets(text)


def _secrets(url: str) -> set[str]:
    """What of a URL must not be shown, in every spelling that an error may use."""
    parts = parts_of(url[:])
    if parts is None:
        return set()
    password = parts.user.partition(":")[2]
    values = [one.partition("=")[2] for one in parts.query if _is_secret(one)]
    plain = {text for one in (parts.user, password, *values) for text in (one, unquote(one), unquote_plus(one))}
    spelled = plain | {coded for one in plain for coded in (quote(one), quote(one, safe=""), quote_plus(one))}
    return {one for one in spelled if len(one) > 3}
