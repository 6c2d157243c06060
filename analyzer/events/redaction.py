"""Secrets that logs and commands quote are never repeated in a report.

What a secret looks like is data (``secrets.toml``). Every step is linear in the length of the text, whatever it holds:
quantifiers over one class, bounded ones, or a scan that never looks at a character twice. When in doubt a little too
much is masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from analyzer.events.vocabulary import load

MASK = "***"

_DATA = load("secrets.toml")
# What a text (in lower case) has to hold for a rule to find anything: words, or a name that holds a secret before some
# sign. Nearly every line passes untouched, and an expression is compiled when it is first needed.
_K10 = ("k10",)
_TOKENS = ("_",)  # the begin of a token, see _STARTS
_BASE64 = re.compile(r"[A-Za-z0-9+/]{42}")
_AUTHORIZED = tuple(f"{name}{sign}" for name in ("authorization", "cookie") for sign in (":", "=", " ", '"', "'", "\\"))
_LONG = 42  # characters of the shortest key in base64


def _fixed(endings: Iterable[str]) -> Iterator[str]:
    """Expressions of one length each, in place of those with a sign that may be there or not."""
    for ending in endings:
        first, *rest = ending.split("[-_.]?")
        for signs in product(("", "[-_.]"), repeat=len(rest)):
            yield first + "".join(sign + part for sign, part in zip(signs, rest, strict=True))


# Only the end of a name counts.
_ENDINGS = "|".join(_DATA["names"])


def _ending_in(names: Iterable[str]) -> str:
    """What is true behind any of these names; asked for their last letters first, as few words end in those."""
    alike: dict[str, list[str]] = {}
    for name in _fixed(names):
        alike.setdefault(name.rstrip(")")[-2:].lower(), []).append(f"(?<={name})")
    return "|".join(f"(?<={letters})(?:{'|'.join(every)})" for letters, every in alike.items())


# A whole name, looked at from its end.
_NAME = rf"[A-Za-z0-9_.-]{{2,80}}+(?:{_ending_in(_DATA['names'])})"
_SPEAKS_ON = rf"(?:{'|'.join(_DATA['prose'].split())})(?=[\s.,:;\"'\\)]|\Z)"
_QUOTED = r"\\+[\"']"  # an escaped quote
_VARIABLE = r"\$\{?[A-Za-z_]\w*\}?(?=[\s\"'\\]|\Z)"
# A value without quotes: a quote inside a word belongs to it, so does a backslash that escapes nothing known, and "&"
# ends it only where another parameter of a URL begins.
_VALUE = r"(?:[^\s\"'\\&]|\\\\(?!\\{0,31}[\"'](?!\w))|\\(?![\\nrtu\"'])|&(?!\w{1,40}=)|['\"](?=\w)|\\\"(?=\w))+"
_FILE = r"/(?:(?:var|etc|home|root|run|opt|usr|tmp|srv|mnt|lib|dev|proc|secrets)/|[\s;]|\Z)"  # where a secret lies
_PLAIN = r"(?:true|false|null|none|nil|yes|no)\b"  # what a key of JSON or YAML holds that is no secret
# A name where text goes on: what stands before it is no word that it ends.
_BEGIN = r"(?:(?<![\w.-])|(?<=\\[nrt]))"

# The end of such a name and the sign behind it, in lower case. What all names end in goes first: it is seldom there.
_ASKED = (
    r"\(\?<[=!][^)]{0,300}\)|\(\?-i:((?:\(\?<[=!][^)]{0,300}\))*)(\w+)\)"  # what is asked of case and characters before
)
_LOWERED = dict.fromkeys(re.sub(_ASKED, r"\2", name).lower() for name in _DATA["names"])
_STEMS = re.compile(rf"(?:{'|'.join(_DATA['stems'])})(?![a-z0-9_])")
_NAMED = re.compile(rf"(?:{'|'.join(_DATA['stems'])})(?![\w-])(?:{_ending_in(_LOWERED)})(?=(.?))", re.DOTALL)

# A word of a sentence that names a secret, up to the value.
_SAID = (
    rf"(?<![A-Za-z0-9])(?:{'|'.join(_DATA['said'])})(?:[- ]file(?=\s(?:content|value)))?"
    rf"(?:\s(?:{'|'.join(_DATA['between'].split())})(?=[\s:])){{0,2}}(?:\s{{1,3}}|\s{{0,3}}:\s{{1,3}})"
)


class _Rule(NamedTuple):
    """An expression with what stands in place of what it finds, and what a text needs for it (see ``_Seen``)."""

    words: tuple[str, ...]
    pattern: str
    replacement: str | Callable[[re.Match[str]], str]
    flags: int = 0
    behind: str = ""  # signs, one of which stands behind a name that holds a secret

    def apply(self, text: str, seen: _Seen) -> str:
        """``text`` after the rule."""
        return _compiled(self).sub(self.replacement, text) if seen.allows(self) else text


class _Seen(NamedTuple):
    """What a text, in lower case, holds that a rule may need."""

    low: str
    behind: frozenset[str]  # what stands behind names that hold a secret
    begun: bool  # the begin of a token

    def allows(self, rule: _Rule) -> bool:
        """Whether the rule may find anything."""
        if rule.behind:
            return not self.behind.isdisjoint(rule.behind)
        return self.begun if rule.words is _TOKENS else _holds(self.low, rule.words)


def _holds(low: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 - any() takes twice as long, and this is asked of every line
        if word in low:
            return True
    return False


@cache
def _compiled(rule: _Rule) -> re.Pattern[str]:
    return re.compile(rule.pattern, rule.flags)


def _tokens() -> tuple[_Rule, ...]:
    """The rules of tokens that are known by how they begin."""
    return tuple(
        _Rule(
            _TOKENS,
            rf"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))(?:{'|'.join(map(re.escape, row['prefixes']))}){row['then']}",
            MASK,
        )
        for row in _DATA["tokens"]
    )


_STEM_WORDS = ("token", "pass", "key", "secret")


@cache
def _words() -> frozenset[str]:
    data = load("known_words.toml")
    return frozenset(f"{data['words']} {data['path_pieces']} x509 base64 utf8 utf-8 oauth2 hmac sha1 md5".split())


# A path, an address, a version, a date, a length of time: what a sentence may go on with.
_NO_SECRET = re.compile(
    r"~?\.{0,2}/|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]{1,20}://|(?:\d{1,3}\.){3}\d|\[|v?\d+\.\d+(?:[.+-][\w.+-]*)?$|\d{4}-\d\d-\d\d"
    r"|\d\d:\d\d|(?:[\d.]+(?:h|m|s|ms|µs|ns|d))+$"
)


def _said(found: re.Match[str]) -> str:
    """A sentence's word and the value behind it, masked if it is one: with a digit, and no word that logs have."""
    value = found["value"].rstrip(".,:;!?)]}>`")
    low = value.lower()
    told = re.split(r"[-./:_]", low)
    if (
        len(value) < 6
        or "<" in value
        or "…" in value
        or MASK in value
        or low in _words()
        or all(piece in _words() for piece in told if any(map(str.isdigit, piece)))
        or _NO_SECRET.match(value) is not None
        or re.fullmatch(_VARIABLE, value) is not None
    ):
        return found[0]
    return found["name"] + MASK + found["value"][len(value) :]


_SCHEMES = "|".join(_DATA["schemes"])
_RULES = (
    # k3s tokens: K10<CA hash>::<user>:<password>; the hash is public, the password is not.
    _Rule(_K10, rf"(K10[0-9a-f]{{8}})[0-9a-f]*+(::[\w.-]++):{_VALUE}", r"\1…\2:" + MASK),
    _Rule(_K10, rf"(K10[0-9a-f]{{8}})[0-9a-f]*+::{_VALUE}", r"\1…::" + MASK),
    _Rule(_K10, r"(K10[0-9a-f]{8})[0-9a-f]{24,}", r"\1…"),
    _Rule(  # torn in its hash
        ("::server", "::node", "::agent"),
        rf"(::(?:server|node|agent)):(?!<[a-z-]{{1,20}}>){_VALUE}", r"\1:" + MASK,
    ),
    # "invalid bearer token" speaks of one
    _Rule(("bearer",), rf"(\bBearer(?:\s|%20){{1,4}})(?!tokens?\b|auth){_VALUE}", r"\1" + MASK, re.IGNORECASE),
    _Rule(
        _AUTHORIZED,
        rf"(\bAuthorization\\*[\"']?\s{{0,3}}[:=]\s{{0,3}}\[?(?:\\*[\"'])?(?:{_SCHEMES})\s{{1,4}})"
        rf"(?:(?:\s{{0,2}}[\w-]{{1,40}}=(?:\\{{0,31}}\"[^\"\\]{{0,999}}\\{{0,31}}\"|[^\s,\"'\\]+),?)+|{_VALUE})",
        r"\1" + MASK, re.I,
    ),
    _Rule(
        _AUTHORIZED,
        rf"(\bAuthorization\\*[\"']?\s{{0,3}}[:=]\s{{0,3}}\[?(?:\\*[\"'])?)(?!(?:{_SCHEMES})\s){_VALUE}"
        r"(?=\\*[\"'\]]|,\s|\s*$)",
        r"\1" + MASK, re.I | re.M,
    ),
    _Rule(
        _AUTHORIZED,
        r"(\b(?:Set-)?Cookie\\*[\"']?:\s{0,3}\[?(?:\\*[\"'])?)[\w.-]{1,80}=[^\"'\\\]\n]+", r"\1" + MASK, re.I,
    ),
    # base64 of user:password, or a token of hexadecimal digits, without the header's name; prose has no such words
    _Rule(("basic ",), r"(\bBasic\s)(?=[A-Za-z+/]{1,99}[A-Z0-9+/=])[A-Za-z0-9+/]{8,}={0,2}(?![\w-])", r"\1" + MASK),
    _Rule(("token ",), r"(\b[Tt]oken\s)(?=[A-Za-z_-]{0,99}\d)[A-Za-z0-9_-]{20,}(?![\w.:/-])", r"\1" + MASK),
    # "API key XyZ123… not valid"
    _Rule(
        (" key ",),
        r"(\b(?:API|[Aa]uth|[Aa]ccess) key )"
        r"(?=[A-Za-z_-]{0,99}\d)(?=[a-z0-9_-]{0,99}[A-Z])[A-Za-z0-9_-]{10,}(?![\w.:/-])",
        r"\1" + MASK,
    ),
    _Rule(("eyj",), r"(?<![A-Za-z0-9_-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?", MASK),
    *_tokens(),
    # a MySQL source: user:password@tcp(host:3306)/name
    _Rule(
        ("@tcp(", "@unix("),
        r"((?<![\w.%+:/@-])[\w.%+-]{0,64}):(?!//)[^\s\"]{1,256}?@(?=(?:tcp|unix)\()", r"\1:" + MASK + "@",
    ),
    # user:password@host without a scheme; not image:tag@sha256:…, not a port before a path
    _Rule(
        ("@",),
        r"((?<![\w.%+:/@-])(?!(?:mailto|acct|system|https?)\b)(?=[\d.%+-]{0,64}[A-Za-z_])[\w.%+-]{1,64}):(?!//|:|\d{1,5}[/@]|\*\*\*@)[^\s\"@]{1,256}@"
        r"(?!sha\d{3}:)(?=[A-Za-z][\w.-]{0,253}(?::\d{1,5})?(?:[/\s\"',;)\]\\?]|\Z)|(?:\d{1,3}\.){3}\d|\[|\(|/)",
        r"\1:" + MASK + "@",
    ),
    # name=value, and {Name:value} as Go prints a struct or a map
    _Rule(
        (),
        rf"({_BEGIN}(?:--?)?{_NAME}(?:=|\s=\s|%3D))(?![\"']|{_QUOTED}|{_VARIABLE}|{_FILE}){_VALUE}",
        r"\1" + MASK, re.IGNORECASE, behind="=% ",
    ),
    _Rule((), rf"((?<=[{{\[(,\s]){_NAME}:)(?![\s\"'\\:]|\Z){_VALUE}", r"\1" + MASK, re.IGNORECASE, behind=":"),
    _Rule((), rf"(<{_NAME}>)[^<\n]{{1,999}}(?=</)", r"\1" + MASK, re.IGNORECASE, behind=">"),
    # --name value; "--token is required" speaks of the flag
    _Rule(
        (),
        rf"({_BEGIN}--?{_NAME}\s{{1,4}})(?![-\"']|{_QUOTED}|{_SPEAKS_ON}|{_VARIABLE}|{_FILE}){_VALUE}",
        r"\1" + MASK, re.I, behind=" ",
    ),
    _Rule(
        (" -t",),
        rf"(\b(?:k3s|rke2) (?:agent|server)\b[^\n]{{0,400}}? -t[ =]\\*[\"']?)(?![-\"'\\]|{_VARIABLE}){_VALUE}",
        r"\1" + MASK,
    ),
    # a line of YAML, also inside a quoted text
    _Rule(
        (),
        rf"((?:^|\]: |\\n|[\"'`])[ \t]{{0,40}}(?:- )?{_NAME}:[ \t]{{1,8}})"
        rf"(?![\"'|>\\]|{_PLAIN}|{_FILE})[^\s\"\\]+(?=[ \t]*(?:$|\\+n|\\*\"| #))",
        r"\1" + MASK, re.I | re.M, behind=":",
    ),
    # an item of a flow mapping of YAML: {username: bob, password: x}
    _Rule(
        (),
        rf"((?<=[{{,])\s{{0,3}}{_NAME}:\s{{1,3}})(?![\"'\\\[{{]|{_PLAIN}|{_FILE})[^\s\"'\\,{{}}]{{1,256}}(?=\s{{0,3}}[,}}])",
        r"\1" + MASK, re.I, behind=":",
    ),
    # an item of JSON without quotes; a header amid a line, whose value has a digit as no word does
    _Rule(
        (),
        rf"((?<=[\"']){_NAME}\\*[\"']\s{{0,3}}:\s{{0,3}})(?![\"'\\\[{{]|{_PLAIN})[\w.+-]{{1,256}}",
        r"\1" + MASK, re.I, behind="\"'\\",
    ),
    _Rule(
        (),
        rf"({_BEGIN}{_NAME}:\s{{1,3}})(?=[^\s\"'\\\d]{{0,99}}\d)(?=[^\s\"'\\]{{6}})"
        rf"(?![\"'\\/\[]|https?:|(?:\d{{1,3}}\.){{3}}|[^\s\"'\\]{{0,99}}:(?:\s|\Z)){_VALUE}",
        r"\1" + MASK, re.I, behind=":",
    ),
    # parameters of a URL whose names are words elsewhere
    _Rule(
        ("=", "%3d"),
        rf"((?:[?&;]|%26|%3F|\\u0026)(?:{'|'.join(_DATA['parameters'])})(?:=|%3D)){_VALUE}",
        r"\1" + MASK, re.I,
    ),
    # "bootstrap token abc123", "secretbox key: abc123", "password (abc123)"
    _Rule(_STEM_WORDS, rf"(?P<name>{_SAID}[\[(`]?)(?![\"'\\]|{_VARIABLE})(?P<value>{_VALUE})", _said, re.I),
    # invalid value "abc" for flag -token
    _Rule(
        ("value ",),
        rf"(\bvalue \\*[\"']{{1,2}})(?!{_VARIABLE})[^\s\"'\\]{{1,256}}"
        rf"(?=\\*[\"']{{1,2}} (?:for|of) (?:the )?(?:flag |option )?-{{0,2}}{_NAME})",
        r"\1" + MASK, re.I,
    ),
    # kubeadm-style bootstrap tokens
    _Rule((".",), r"(?<![\w.-])[a-z0-9]{6}\.(?=[a-z0-9]{0,16}\d)[a-z0-9]{16}(?![\w.-])", MASK),
    _Rule(("private key",), r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?=-----END|\Z)", r"\1" + MASK, re.DOTALL),
)  # fmt: skip

_SENTENCE = _Rule((), _SAID, "")
_NOTHING: frozenset[str] = frozenset()
_NAME_RULE = _Rule((), _NAME, "", re.IGNORECASE)

# 32 bytes in base64, as keys of WireGuard and of encryption at rest are, and a line of 64 as in a private key: not the
# sum of an image or of a host's key, not 64 hexadecimal digits.
_KEY = re.compile(r"(?<![\w+/=-])(?<!sha256[-:])(?<!SHA256:)[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=(?![\w+/=])")
_BODY = re.compile(
    r"(?:(?<![\w+/=.:-])|(?<=\\n))(?![0-9a-f]{64})(?![/a-z]{64})(?=[A-Za-z+/]{0,60}\d)(?=[a-z0-9+/]{0,60}[A-Z])[A-Za-z0-9+/]{64,}={0,2}(?![\w-])"
)

# Without one of these, a name or the begin of a token, nothing is done at all.
_WORDS = (
    *_K10, *_AUTHORIZED, "token ", " key ", "private key", "bearer", "basic ", "eyj", " -t", "::server", "::node",
    "::agent", '"auth', "'auth",
)  # fmt: skip
_USER = re.compile(r":[^\s@]{0,256}@|:[^\s@]{0,256} @")
_PARAMETER = re.compile(rf"(?:[?&;]|%26|%3f|\\u0026)(?:{'|'.join(_DATA['parameters'])})(?:=|%3d)")
_BOOTSTRAP = re.compile(r"\.[a-z0-9]{16}\b")  # the second half of a bootstrap token


def _one_of(words: Iterable[str]) -> str:
    """An expression of these words in which no letter is looked at for each of them anew."""
    after: dict[str, list[str]] = {}
    for word in words:
        after.setdefault(word[0], []).append(word[1:])
    told = (re.escape(first) + ("" if "" in rest else _one_of(rest)) for first, rest in after.items())
    return f"(?:{'|'.join(told)})"


_START = re.compile(_one_of(prefix.lower() for row in _DATA["tokens"] for prefix in row["prefixes"]))


# Where a quoted secret begins, after name="…", "name": "…", "--name", "…" or --name "…". Quotes may be escaped, or
# doubled as in CSV.
_OPENING = _Rule(
    (),
    rf"(?:{_BEGIN}(?:(?:--?)?{_NAME}(?:\\*[\"']{{1,2}}\s{{0,3}}(?:[=:]{{1,2}}>?|,)\s{{0,3}}|\s{{0,3}}[=:]{{1,2}}>?\s{{0,3}}"
    rf"(?!\\*[\"'](?:{_FILE}|https?:))|%3D)|"
    rf"--?{_NAME}\s{{1,3}}"
    r"|(?<=[\"'])auth\\*[\"']\s{0,3}:\s{0,3})"
    rf"|{_SAID}(?=\\*[\"']\\*[\"']?[^\s\"'\\-])(?!\\*[\"']{{1,2}}(?:{_FILE}|https?:|…|%[a-z])))"
    r"(?P<escape>\\*)(?P<quote>([\"'])(?:\\*\3(?=\w))?)",
    "",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"(?<!\\)(?P<escape>\\*)(?P<quote>[\"'])")

_URL_WORD = re.compile(r"(?:[^\s\"'\\]|\\(?![\"'nrt]))+")
# A store's URL with blanks around the user, as from a variable that holds one: "postgresql:// k3s:X @host".
_TORN = re.compile(
    r"(?P<user>\b(?:postgres(?:ql)?|mysql|nats)://\s{0,3}[^\s:@/\"']{1,64}\s{0,3}:)[^\n\"'@]{1,200}(?=@)", re.IGNORECASE
)
_STORE_QUOTED = re.compile(r"(?<=[\"'])(?:postgres(?:ql)?|mysql|nats)://[^\"'\n]*", re.IGNORECASE)
# A password with blanks, in a URL without quotes: up to the @ before a host and a path, or before a host.
_BLANKS = re.compile(
    r"(?P<user>\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:@/\"'\[]{0,64}:)(?!\d{1,5}(?:[/?#,;)\]\s]|\Z))"
    r"(?P<word>[^\s\"'@:\\]{0,64})(?P<rest>\s[^\"'\n@:]{0,200}@)(?=[\w.\[-])"
)
_NEXT_URL = re.compile(r"(?<=,)(?=[A-Za-z][A-Za-z0-9+.-]{1,20}://)")
_STORES = ("postgres", "postgresql", "mysql", "nats")
_TOKEN_USERS = ("http", "https", "nats")
_PORT = re.compile(r"\d{1,5}(?:[/?#,;)\]]|\Z)")
_CUT = (">", "…")
_ROUNDS = 5


def mask_secrets(text: str) -> str:
    """``text`` with tokens, passwords, keys and bearer values replaced by ``***``; masking twice changes nothing."""
    return _of_a_line(text) if len(text) < _LINE else _of_a_text(text)


def _settled(text: str) -> str:
    for _ in range(_ROUNDS):
        masked = _masked(text)
        if masked == text:
            break
        text = masked  # what was masked may have brought other things together
    return text


_LINE = 1000  # characters: longer texts are not worth the memory when they are many
_of_a_line = lru_cache(maxsize=4096)(_settled)  # errors come again and again in the same words
_of_a_text = lru_cache(maxsize=512)(_settled)  # a report shows the same answer of a poll in several places


def _masked(text: str) -> str:
    low = text.lower()
    if "://" in low and ("@" in low or any(f"{store}://" in low for store in _STORES)):
        text = _STORE_QUOTED.sub(lambda found: _mask_url(found[0]), text)
        text = _TORN.sub(rf"\g<user>{MASK}", text)
        text = _BLANKS.sub(rf"\g<user>{MASK}@", text)
        text = _URL_WORD.sub(lambda found: _mask_urls(found[0]), text)
    seen = _seen(low)
    if seen is None:
        return _without_keys(text)
    if seen.behind or "auth" in low or _holds(low, _STEM_WORDS):
        text = _mask_quoted(text)
    for rule in _RULES:
        text = rule.apply(text, seen)
    return _without_keys(text)


def _seen(low: str) -> _Seen | None:
    """What a text, in lower case, holds that may be a secret's; ``None`` where nothing is."""
    stems = _STEMS.search(low) is not None
    behind = frozenset(" " if sign.isspace() else sign for sign in _NAMED.findall(low)) if stems else _NOTHING
    begun = _START.search(low) is not None
    if (
        behind or begun or _holds(low, _WORDS)
        or (stems and _compiled(_SENTENCE).search(low) is not None)
        or ("@" in low and _USER.search(low) is not None)
        or _PARAMETER.search(low) is not None
        or _BOOTSTRAP.search(low) is not None
    ):  # fmt: skip
        return _Seen(low, behind, begun)
    return None


def names_secret(name: str) -> bool:
    """Whether a thing of this name (a key of JSON, a field) holds a secret."""
    return name != "" and _compiled(_NAME_RULE).fullmatch(name) is not None


def _without_keys(text: str) -> str:
    if len(text) < _LONG or max(map(len, text.split())) < _LONG or _BASE64.search(text) is None:
        return text
    return _BODY.sub(MASK, _KEY.sub(MASK, text))


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
    begin, past = opening.end(), -1
    for found in _QUOTE.finditer(text, begin):
        escapes, at = len(found["escape"]), found.end("quote")
        if found.start("quote") < past:
            continue  # the second one of a pair
        if escapes < depth:
            return found.start()
        if escapes == depth and found["quote"] == quote[0]:
            doubled = text.startswith(quote[0], at)
            if len(quote) > 1 or depth or not doubled or found.start() == begin:
                return found.start()
            past = at + 1  # two quotes stand for one in YAML and SQL
        if escapes > depth and found["quote"] == quote[0] and depth == 0 and escapes % 2 == 0:
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
