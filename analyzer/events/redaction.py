"""Secrets that logs and commands quote are never repeated in a report.

Every step is linear in the length of the text, whatever it holds: quantifiers over one class, bounded ones, or a scan
that never looks at a character twice. When in doubt a little too much is masked.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

MASK = "***"

# Words (in lower case) without one of which a rule finds nothing: nearly every line passes untouched, and an expression
# is compiled when it is first needed.
_K10 = ("k10",)
_NAMES = ("",)  # a name that holds a secret, see _NAMED
_KEYS = ("akia", "tskey-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_")
_BOOTSTRAP = re.compile(r"\.[a-z0-9]{16}\b")  # the second half of a bootstrap token

# Flag, variable and JSON key names that hold a secret. Only the end of a name counts: `--token-auth-file=…` and
# `--enable-bootstrap-token-auth=true` hold none.
_NAME = (
    r"[A-Za-z0-9_-]{0,60}(?:token|password|passwd|passphrase|secret[-_]?key|access[-_]?key(?:[-_]?id)?"
    r"|client[-_]?secret|join[-_]?key|client-key-data)"
)
_SPEAKS_ON = (
    r"(?:is|are|was|were|and|or|in|to|for|of|must|may|can(?:not)?|has|have|not|does|flag|option|value|required)"
    r"(?=[\s.,:;\"'\\)]|\Z)"
)
_QUOTED = r"\\+[\"']"  # an escaped quote
_VARIABLE = r"\$\{?[A-Za-z_]\w*\}?(?=[\s\"'\\]|\Z)"
# A value without quotes: a quote inside a word belongs to it, a doubled backslash is one of the value, and "&" ends it
# only where another parameter of a URL begins.
_VALUE = r"(?:[^\s\"'\\&]|\\\\|&(?!\w{1,40}=)|'(?=\w)|\\\"(?=\w))+"

# The end of such a name where something may follow that makes it one; in lower case.
_NAMED = re.compile(
    r"(?:token|passw(?:or)?d|passphrase|secret[-_]?key|access[-_]?key(?:[-_]?id)?|client[-_]?secret|join[-_]?key"
    r"|client-key-data)(?![\w-])"
)


class _Rule(NamedTuple):
    """An expression with what stands in place of what it finds, and the words it needs."""

    words: tuple[str, ...]
    pattern: str
    replacement: str
    flags: int = 0

    def apply(self, text: str, low: str, named: bool) -> str:
        """``text`` after the rule; ``low`` is what it was, in lower case, ``named`` that such a name is in it."""
        if not (named if self.words == _NAMES else any(word in low for word in self.words)):
            return text
        return _compiled(self).sub(self.replacement, text)


@cache
def _compiled(rule: _Rule) -> re.Pattern[str]:
    return re.compile(rule.pattern, rule.flags)


_RULES = (
    # k3s tokens: K10<CA hash>::<user>:<password>; the hash is public, the password is not.
    _Rule(_K10, rf"(K10[0-9a-f]{{8}})[0-9a-f]*+(::[\w.-]++):{_VALUE}", r"\1…\2:" + MASK),
    _Rule(_K10, r"(K10[0-9a-f]{8})[0-9a-f]*+::[a-z0-9]{6}\.[a-z0-9]{1,16}", r"\1…::" + MASK),
    _Rule(_K10, r"(K10[0-9a-f]{8})[0-9a-f]{24,}", r"\1…"),
    _Rule(("::server", "::node", "::agent"), rf"(::(?:server|node|agent)):{_VALUE}", r"\1:" + MASK),  # torn in its hash
    # "invalid bearer token" speaks of one
    _Rule(("bearer",), rf"(\bBearer(?:\s|%20){{1,4}})(?!tokens?\b|auth){_VALUE}", r"\1" + MASK, re.IGNORECASE),
    _Rule(
        ("authorization",),
        rf"(\bAuthorization\\*[\"']?\s{{0,3}}[:=]\s{{0,3}}[\[\\\"']{{0,4}}Basic\s{{1,4}}){_VALUE}",
        r"\1" + MASK, re.I,
    ),
    _Rule(("eyj",), r"(?<![A-Za-z0-9_-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?", MASK),
    _Rule(_KEYS, r"(?<!\w)(?:AKIA[0-9A-Z]{12,}|tskey-[\w-]{6,}|gh[pousr]_[A-Za-z0-9]{16,})", MASK),
    # a MySQL source: user:password@tcp(host:3306)/name
    _Rule(
        ("@tcp(", "@unix("),
        r"((?<![^\s\"'=(,\[])[\w.%+-]{0,64}):(?!//)[^\s\"]{1,256}?@(?=(?:tcp|unix)\()", r"\1:" + MASK + "@",
    ),
    # name=value, and {Name:value} as Go prints a struct or a map
    _Rule(
        _NAMES,
        rf"((?<![\w.-])(?:--?)?{_NAME}=)(?![\"']|{_QUOTED}|{_VARIABLE}){_VALUE}",
        r"\1" + MASK, re.IGNORECASE,
    ),
    _Rule(_NAMES, rf"((?<=[{{\[\s]){_NAME}:)(?![\s\"'\\:]|\Z){_VALUE}", r"\1" + MASK, re.IGNORECASE),
    # --name value; "--token is required" speaks of the flag
    _Rule(
        _NAMES,
        rf"((?<![\w-])--{_NAME}\s{{1,4}})(?![-\"']|{_QUOTED}|{_SPEAKS_ON}|{_VARIABLE}){_VALUE}",
        r"\1" + MASK, re.I,
    ),
    _Rule(
        (" -t",),
        rf"(\b(?:k3s|rke2) (?:agent|server)\b[^\n]{{0,400}}? -t[ =]\\*[\"']?)(?![-\"'\\]|{_VARIABLE}){_VALUE}",
        r"\1" + MASK,
    ),
    # a line of YAML
    _Rule(
        _NAMES,
        rf"((?:^|\]: )[ \t]{{0,40}}(?:- )?{_NAME}:[ \t]{{1,8}})(?![\"'])[^\s\"]+(?=[ \t]*$)",
        r"\1" + MASK, re.I | re.M,
    ),
    # kubeadm-style bootstrap tokens
    _Rule((".",), r"(?<![\w.-])[a-z0-9]{6}\.(?=[a-z0-9]{0,16}\d)[a-z0-9]{16}(?![\w.-])", MASK),
    _Rule(("private key",), r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?=-----END|\Z)", r"\1" + MASK, re.DOTALL),
)  # fmt: skip

# Without one of these nothing is done at all.
_WORDS = (
    *_K10, *_KEYS, "token", "passw", "passphrase", "secret", "access-key", "access_key", "accesskey", "join",
    "client-key-data", "bearer", "authorization", "eyj", "@tcp(", "@unix(", " -t", "private key", "::server",
    "::node", "::agent", "\"auth", "'auth",
)  # fmt: skip

# Where a quoted secret begins, after name="…", "name": "…", "--name", "…" or --name "…". Quotes may be escaped.
_OPENING = _Rule(
    _NAMES,
    rf"(?<![\w.-])(?:(?:--?)?{_NAME}(?:\\*[\"']\s{{0,3}}[=:,]\s{{0,3}}|\s?[=:])|--{_NAME}\s{{1,3}}"
    r"|(?<=[\"'])auth\\*[\"']\s{0,3}:\s{0,3})"
    r"(?P<escape>\\*)(?P<quote>[\"'])",
    "",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"(?<!\\)(?P<escape>\\*)(?P<quote>[\"'])")

_URL_WORD = re.compile(r"(?:[^\s\"'\\]|\\(?![\"'nrt]))+")
_STORE_QUOTED = re.compile(r"(?<=[\"'])(?:postgres(?:ql)?|mysql|nats)://[^\"'\n]*", re.IGNORECASE)
_NEXT_URL = re.compile(r"(?<=,)(?=[A-Za-z][A-Za-z0-9+.-]{1,20}://)")
_STORES = ("postgres", "postgresql", "mysql", "nats")
_TOKEN_USERS = ("http", "https", "nats")
_PORT = re.compile(r"\d{1,5}(?:[/?#,;)\]]|\Z)")
_CUT = (">", "…")


@lru_cache(maxsize=512)  # a report shows the same answer of a poll in several places
def mask_secrets(text: str) -> str:
    """``text`` with tokens, passwords, keys and bearer values replaced by ``***``; masking twice changes nothing."""
    low = text.lower()
    if "://" in low and ("@" in low or any(f"{store}://" in low for store in _STORES)):
        text = _STORE_QUOTED.sub(lambda found: _mask_url(found[0]), text)
        text = _URL_WORD.sub(lambda found: _mask_urls(found[0]), text)
    if not any(word in low for word in _WORDS) and _BOOTSTRAP.search(low) is None:
        return text
    named = _NAMED.search(low) is not None
    if named or "auth" in low:
        text = _mask_quoted(text)
    for rule in _RULES:
        text = rule.apply(text, low, named)
    return text


def _mask_quoted(text: str) -> str:
    """Quoted values of secret names: up to the quote that closes at the depth of escapes at which it was opened."""
    pieces, at = [], 0
    opens = _compiled(_OPENING)
    while (opening := opens.search(text, at)) is not None:
        pieces.append(text[at : opening.end()])
        at = _closing(text, opening)
        value = text[opening.end() : at]
        pieces.append(MASK if value and re.fullmatch(_VARIABLE, value) is None else value)
    pieces.append(text[at:])
    return "".join(pieces)


def _closing(text: str, opening: re.Match[str]) -> int:
    depth, quote = len(opening["escape"]), opening["quote"]
    for found in _QUOTE.finditer(text, opening.end()):
        escapes = len(found["escape"])
        if escapes < depth or (escapes == depth and found["quote"] == quote):
            return found.start()
        if escapes > depth and found["quote"] == quote and depth == 0 and escapes % 2 == 0:
            return found.end() - 1  # an even number of backslashes escape each other, not the quote
    return len(text)


def _mask_urls(word: str) -> str:
    return "".join(map(_mask_url, _NEXT_URL.split(word))) if "://" in word else word


def _mask_url(url: str) -> str:
    """The password of ``scheme://user:password@host``; also of one that a pager cut before its ``@``."""
    scheme, mark, rest = url.partition("://")
    low = scheme.lower()
    store = low.endswith(_STORES)
    at = rest.rfind("@")
    if at < 0:
        user, colon, password = rest.partition(":")
        if not store or not colon or "(" in user or user.startswith("["):
            return url
        cut = password.endswith(_CUT)
        if not password or (_PORT.match(password) is not None and not cut):
            return url
        return f"{scheme}://{user}:{MASK}{password[-1] if cut else ''}"
    user, colon, password = rest[:at].partition(":")
    if not colon:
        return f"{scheme}://{MASK}{rest[at:]}" if low.endswith(_TOKEN_USERS) and "/" not in user and user else url
    if not store and ("/" in user or user.startswith("[") or _PORT.match(password) is not None):
        return url  # the @ belongs to the path
    return f"{scheme}{mark}{user}:{MASK}{rest[at:]}"
