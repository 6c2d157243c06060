r"""The verbose body of /readyz, as logs carry it.

One check per line: ``[+]name ok``, ``[-]name failed: reason withheld``, ``[+]name excluded: ok`` (or ``excluded with
group: ok``), then a trailer such as ``readyz check failed``. Around that, logs add Go or JSON escapes of any depth,
HTML entities, a prefix of their own on every line, terminal wraps inside names, and cuts at any byte (client-go keeps
2048 bytes, pagers and people keep less). The rule here: a state is reported only when both the whole name and the
whole word that says the state are in the text. What is not is *unseen*.
"""

from __future__ import annotations

import re
from functools import cache

from analyzer.events.event import ReadyzBody
from analyzer.events.versions import all_check_names

MAX_NAME = 200

_NAME = r"[A-Za-z0-9][^\s\[\]\"'`()<>{}&\\,;*|]{0,199}"
_MARK = re.compile(r"\[\s?([+-])\s?\]")
_STATE = re.compile(
    rf"\s?(?P<name>{_NAME})[ \t]+(?:(?P<ok>ok)|(?P<excluded>excluded)(?: with [^\n:]*)?:\s?ok"
    r"|(?P<failed>failed)(?:\s?:[ \t]?(?P<reason>[^\n]*))?)(?=[\s\"'`)*>…|<&]|_\*|\Z)"
)
_TRAILER = re.compile(r"\b(readyz|healthz|livez)\s+check\s+(?:failed|passed)\b")
_HEADER = re.compile(r"\bcheck failed: (readyz|healthz|livez)\b")
_WARNING = re.compile(r"\bwarn: some health checks cannot be excluded")
# The error text goes on after a body, whole or cut.
_AFTER = re.compile(r"[\"')]{0,2}\)\s+has\s+prevented\s+the\s+request")
_ESCAPED_CHARACTER = re.compile(r"(?<!\\)\\+(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WITHHELD = "reason withheld"
_DECORATION = " \t\r\n\"'`*_)>…"
# Traces of a body whose begin or middle is missing: the end of a check line before the first marker, an elision.
_TAIL_OF_A_CHECK = re.compile(r"(?:\bok|reason withheld)\s*\Z")
_ELISION = re.compile(r"…|^\s*\.{2,}\s*$", re.MULTILINE)


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "�"


def unescape(text: str) -> str:
    r"""Take every layer of Go, JSON or HTML escaping off ``text``, however many there are.

    Check names, states and reasons hold no backslashes of their own, so a run of them always belongs to the escaping:
    ``\n``, ``\\n`` and ``\\\\n`` are all a newline. A cut escape at the end is dropped.
    """
    if "&" in text:
        import html  # a big table that few logs need

        text = html.unescape(html.unescape(text))
    if "\\" in text:
        text = _ESCAPED_CHARACTER.sub(_character, text)
        text = re.sub(r"(?<!\\)\\+(?:r\\+)?n", "\n", text)
        text = re.sub(r"(?<!\\)\\+[rt]", " ", text)
        text = re.sub(r"(?<!\\)\\+([\"'])", r"\1", text)
        text = re.sub(r"(?<!\\)\\+(?:[xuU][0-9a-fA-F]{0,7})?\Z", "", text)
    return _ANSI.sub("", text) if "\x1b" in text else text


def _squashed(segment: str) -> tuple[str, str, str | None] | None:
    """Read a segment whose name lost its space or got one from a terminal wrap; only known names are trusted."""
    tight = re.sub(r"[\s│]+", "", segment)
    for name in _known_longest_first():
        if not tight.startswith(name):
            continue
        rest = tight[len(name) :]
        if re.match(r"ok(?![A-Za-z0-9-])", rest):
            return name, "ok", None
        if re.match(r"excluded(?:with[^:]*)?:ok", rest):
            return name, "excluded", None
        if re.match(r"failed(?![A-Za-z0-9-])", rest):
            _, colon, reason = segment.partition(":")
            if not colon or rest.startswith("failed:reasonwithheld"):
                return name, "failed", None
            return name, "failed", reason.split("\n", 1)[0]
    return None


def _split_by_a_wrap(found: re.Match[str]) -> bool:
    """``poststartho ok`` may be a terminal's break inside ``poststarthook/…`` and not a check that is ok."""
    name, known = found["name"], _known_longest_first()
    return name not in known and any(one.startswith(name + _word(found)) for one in known)


def _word(found: re.Match[str]) -> str:
    return found["ok"] or found["excluded"] or found["failed"]


@cache
def _known_longest_first() -> tuple[str, ...]:
    return tuple(sorted(all_check_names(), key=len, reverse=True))


def _reason(raw: str | None, *, may_be_cut: bool) -> str | None:
    """A reason worth keeping: not the withheld one, nor a piece of it at a cut."""
    text = " ".join((raw or "").split()).strip(_DECORATION)
    withheld = text.startswith(_WITHHELD) or (may_be_cut and _WITHHELD.startswith(text))
    return text if text and not withheld else None


def parse_body(text: str) -> ReadyzBody | None:
    """Read a check list anywhere in ``text``; ``None`` when there is no check line in it.

    ``cut`` is True when the trailer is missing (klog's own health blocks never have one) or some line of the list
    could not be read. Excluded checks were not asked and are in neither ``ok`` nor ``failing``. A check that the text
    shows both ok and failing is in neither.
    """
    plain = unescape(text)
    marks = [found for found in _MARK.finditer(plain) if _starts_line(plain, found)]
    if not marks:
        return None
    trailer = _TRAILER.search(plain, marks[0].end())
    after = _AFTER.search(plain, marks[0].end())
    ends = [found.start() for found in (trailer, after, _WARNING.search(plain, marks[0].end())) if found]
    end = min(ends, default=len(plain))
    marks = [found for found in marks if found.start() < end]
    states: dict[str, dict[str, str | None]] = {"ok": {}, "failed": {}, "excluded": {}}
    ok, failing, excluded = states.values()
    unread = False
    for mark, following in zip(marks, [*(found.start() for found in marks[1:]), end], strict=True):
        cut_here = mark is marks[-1] and trailer is None
        state = _read(plain[mark.end() : following], mark[1], cut_here=cut_here)
        if state is None:
            unread = True
        else:
            name, word, reason = state
            states[word][name] = states[word].get(name) or reason
    damaged = unread or _TAIL_OF_A_CHECK.search(plain[: marks[0].start()]) or _ELISION.search(plain[:end])
    both = ok.keys() & failing.keys()
    header = _HEADER.search(plain, 0, marks[0].start())
    endpoint = trailer[1] if trailer else header[1] if header else None
    return ReadyzBody(
        ok=tuple(name for name in ok if name not in both),
        failing=tuple(name for name in failing if name not in both),
        reasons=tuple((name, reason) for name, reason in failing.items() if reason and name not in both),
        endpoint=endpoint,
        cut=trailer is None or bool(damaged),
        excluded=tuple(excluded),
    )


def _starts_line(plain: str, mark: re.Match[str]) -> bool:
    """A marker belongs to a check line when a name, or the end of the text, follows it."""
    following = plain[mark.end() : mark.end() + 1]
    return following == "" or following.isalnum() or following in "\"'"


def _read(segment: str, sign: str, *, cut_here: bool) -> tuple[str, str, str | None] | None:
    """One check line after its marker → (name, ok | failed | excluded, reason)."""
    found = _STATE.match(segment)
    if found is not None and not _split_by_a_wrap(found):
        name, word, reason = found["name"], _word(found), found["reason"]
    else:
        squashed = _squashed(segment)
        if squashed is None:
            return None
        name, word, reason = squashed
    if len(name) > MAX_NAME or not name.isprintable() or (sign == "-") != (word == "failed"):
        return None
    return name, word, _reason(reason, may_be_cut=cut_here)


def abridge(text: str, least: int = 200) -> str:
    """``text`` with a check list of more than ``least`` characters replaced by what matters of it, for people."""
    begin = min((at for at in (text.find("[+]"), text.find("[-]")) if at >= 0), default=-1)
    if begin < 0:
        return text
    trailer = _TRAILER.search(text, begin)
    after = _AFTER.search(text, begin)
    end = trailer.end() if trailer else after.start() if after else len(text)
    body = parse_body(text[begin:end])
    if body is None or end - begin < least:
        return text
    known = len(body.ok) + len(body.failing)
    failing = f"failing: {', '.join(body.failing)}" if body.failing else "none failing"
    return f"{text[:begin]}[{known} checks, {failing}]{text[end:]}"
