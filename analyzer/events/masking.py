"""Secrets that logs and commands quote are never repeated in a report."""

from __future__ import annotations

import re

MASK = "***"

# A cheap test first: nearly every line passes it untouched. Each rule below needs one of these (in any case) …
_WORDS = (
    "k10", "token", "password", "passwd", "passphrase", "secret", "access-key", "access_key", "accesskey", "bearer",
    "authorization", "eyj", "://", "@tcp(", "private key",
)  # fmt: skip
_BOOTSTRAP = re.compile(r"\.[a-z0-9]{16}\b")  # … or the second half of a bootstrap token

# Flag, variable and JSON key names that hold a secret. Only a whole name counts: `--enable-bootstrap-token-auth=true`
# and `--token-auth-file=…` hold none.
_NAME = (
    r"(?:[A-Za-z0-9]+[-_])*(?:token|password|passwd|passphrase|secret[-_]?key|access[-_]?key(?:[-_]?id)?"
    r"|secret[-_]?access[-_]?key|client[-_]?secret)"
)
_SPEAKS_ON = (
    r"(?:is|are|was|were|and|or|in|to|for|of|must|may|can(?:not)?|has|have|not|does|flag|option|value|required)"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # k3s tokens: K10<CA hash>::<user>:<password>; the hash is public, the password is not.
    (re.compile(r"(K10[0-9a-f]{8})[0-9a-f]*(::[\w.-]+):[^\s\"'\\,;)]+"), r"\1…\2:" + MASK),
    (re.compile(r"(K10[0-9a-f]{8})[0-9a-f]{24,}"), r"\1…"),
    (re.compile(r"(\bBearer\s+)[^\s\"'\\,;]+", re.IGNORECASE), r"\1" + MASK),
    (re.compile(r"(\bAuthorization[\"']?\s*[:=]\s*[\"']?Basic\s+)[^\s\"'\\,;]+", re.IGNORECASE), r"\1" + MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), MASK),
    # user:password@ in a data source name or URL (mysql://u:p@tcp(…), postgres://u:p@host, https://u:p@proxy)
    (re.compile(r"(://[^\s:/@\"']+):[^\s/\"']+@(?=[\w\[(.*-])"), r"\1:" + MASK + "@"),
    (re.compile(r"(\b[\w.-]+):[^\s:@/\"'=]+@tcp\("), r"\1:" + MASK + "@tcp("),
    # name=value, name="value", also escaped quotes and JSON "name":"value"
    (
        re.compile(rf"(?<![\w.-])((?:--?)?{_NAME}(?:\\*[\"'])?\s?[=:]\\*[\"'])[^\"'\\]+", re.IGNORECASE),
        r"\1" + MASK,
    ),
    (re.compile(rf"(?<![\w.-])((?:--?)?{_NAME}=)(?![\"'\\*])[^\s\"'\\,;&)]+", re.IGNORECASE), r"\1" + MASK),
    # "--token is required" speaks of the flag
    (re.compile(rf"((?<!\S)--{_NAME}\s+)(?!-|{_SPEAKS_ON}\b)[^\s\"'\\,;)]+", re.IGNORECASE), r"\1" + MASK),
    (re.compile(r"(\"(?:--)?" + _NAME + r"\",\s*\")[^\"]+", re.IGNORECASE), r"\1" + MASK),
    # kubeadm-style bootstrap tokens
    (re.compile(r"(?<![\w.-])[a-z0-9]{6}\.(?=[a-z0-9]*\d)[a-z0-9]{16}(?![\w.-])"), MASK),
    (re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL), r"\1" + MASK),
)


def mask_secrets(text: str) -> str:
    """``text`` with tokens, passwords, keys and bearer values replaced by ``***``; masking twice changes nothing."""
    low = text.lower()
    if not any(word in low for word in _WORDS) and _BOOTSTRAP.search(low) is None:
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
