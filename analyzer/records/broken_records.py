"""Records that a mail program, an editor or a terminal broke over several lines, and lines cut at its right edge."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.records.draft import Draft, Tally
from analyzer.records.goquote import quoted
from analyzer.records.log_record import RAW_LIMIT, Payload
from analyzer.records.payloads import digest, is_stamped_payload
from analyzer.sources.raw_lines import LINE_LIMIT

_CHECK_MARK = re.compile(r"\[[+-]\][a-z]")
_EMAIL_WIDTH = 80
_MAIL_PIECES = 2  # pieces between the first and the last of a record that a mail program broke
_NARROWEST = 40  # columns of a terminal in which a record may have been broken over more than two lines
_WORD = 24  # characters by which lines that were broken between words differ
_MOST_PIECES = 16  # … lines of it
_CLOSED = re.compile(r"(?: [\w.\-/]{1,60}=(?:\"[^\"]*\"?|[^\s\"]*))*\s*$")
# The head of a record that was broken before its message, and one that is whole: so it is known where a blank stood.
_HEAD_BROKEN = re.compile(r'time="[^"]{1,40}(?:" ?[a-z]{0,5}(?:=[a-z]{0,7})?(?: m?s?g?=?)?)?')
_HEAD = re.compile(r'(?:^|" )level=(?:trace|debug|info|warning|error|fatal|panic) msg="')
_UNDECIDED = 200  # records of which it is not known yet whether they were broken between words
_MOST_JOINS = 200  # lines of one record: a check list has about sixty


class Unclosed(NamedTuple):
    """A record whose message has no closing quote, the pieces of what it says, and the lines below that may be more."""

    draft: Draft
    pieces: tuple[str, ...]
    between: tuple[Draft, ...] = ()  # each was taken for a line of its own


class Joint(NamedTuple):
    """A record of two pieces, and how they were joined."""

    draft: Draft
    pieces: tuple[str, str]
    joined: str


class BrokenRecords:
    """Goes along a text and puts the broken records in it together."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.unclosed: Unclosed | None = None  # the last line, when it is such a record
        self._joins = 0  # lines that were made part of it
        self._widths: set[int] = set()  # of the lines that were broken, two of them at most
        self._undecided: list[Joint] = []

    def see(self, draft: Draft, text: str) -> None:
        """A line was read as a record of its own, of which ``text`` was the undigested message."""
        broken = draft.truncated and draft.payload is Payload.LOGRUS and text[-1:] not in ">…" and _is_open(text)
        broken = broken or (text[:6] == 'time="' and _HEAD_BROKEN.fullmatch(text) is not None)
        self.unclosed, self._joins = Unclosed(draft, (text,)) if broken else None, 0

    def stay(self, before: Unclosed | None, draft: Draft) -> None:
        """The line ``draft`` may stand between the pieces of the record that was unclosed ``before`` it."""
        if before is None:
            return
        headless = len(before.pieces) == 2 and 'msg="' not in before.pieces[0]  # the message of that very head
        if self.unclosed is None or headless:
            self.unclosed = before._replace(between=(*before.between, draft))

    def keep(self, draft: Draft) -> None:
        """A piece of the unclosed record that begins with a blank was read as a further line."""
        if self.unclosed is not None and len(self.unclosed.pieces) > 1:
            self.unclosed = self.unclosed._replace(between=(*self.unclosed.between, draft))

    def takes(self, text: str) -> bool:
        """Whether ``text`` was the rest of a record that somebody's editor broke in two; then it is part of it now.

        Prose often stands below a cut line: only what closes the quote, or goes on with a check list, is a rest.
        A mail or a terminal breaks a record more than once; the pieces between are kept until the quote is closed.
        """
        before, self.unclosed = self.unclosed, None
        if before is None or is_stamped_payload(text):
            return False
        draft, between = before.draft, before.between
        begin, first = before.pieces[-1], len(draft.raw)
        mail = first <= _EMAIL_WIDTH
        pieces = (*before.pieces, text)
        if len(pieces) == 2:
            whole = _joined(begin, text, spaced=mail or len(self._widths) > 1)
        else:  # full to the last column: a terminal broke it, and not between words
            full = first >= _EMAIL_WIDTH and all(len(piece.raw) == first for piece in between)
            glue = "" if full else " "
            whole = glue.join((_joined(*pieces[:2], spaced=not full), *pieces[2:]))
        _, end, closed = quoted(whole, whole.index('msg="') + 4) if 'msg="' in whole else ("", 0, False)
        if closed and len(between) > (_MAIL_PIECES if mail else 0) and _CLOSED.match(whole, end) is None:
            return False  # so far below it, that quote is one of the prose
        listed = _CHECK_MARK.search(begin) is not None and _CHECK_MARK.search(text) is not None
        if (closed or listed) and len(whole) <= LINE_LIMIT:
            if len(self._widths) < 2:
                self._widths |= {first, *(len(piece.raw) for piece in between)}
            if len(pieces) == 2 and len(self._undecided) < _UNDECIDED and not listed:
                self._undecided.append(Joint(draft, (begin, text), whole))
            self._join(before, whole, text)
            return True
        if first >= _NARROWEST and len(text) <= max(_EMAIL_WIDTH, first + _WORD) and len(pieces) < _MOST_PIECES:
            self.unclosed = before._replace(pieces=pieces)
        return False

    def _join(self, before: Unclosed, whole: str, text: str) -> None:
        for piece in before.between:
            piece.message = ""
        draft = before.draft
        draft.message, draft.truncated, draft.raw = whole, False, (draft.raw + text)[:RAW_LIMIT]
        draft.payload = Payload.PLAIN
        digest(draft)
        self._tally.reasons["record broken over several lines"] += 1
        # Every piece is read again with what came before it: without a bound that is quadratic on hostile text.
        self._joins += 1
        if draft.truncated and _is_open(whole) and self._joins < _MOST_JOINS:
            self.unclosed = Unclosed(draft, (whole,), before.between)

    def settle(self) -> None:
        """At the end of the text: a terminal broke all records at one column, what breaks between words does not."""
        for draft, pieces, joined in self._undecided if len(self._undecided) > 1 or len(self._widths) > 1 else ():
            whole = _joined(*pieces, spaced=len(self._widths) > 1)
            if whole != joined:
                draft.message, draft.payload, draft.truncated = whole, Payload.PLAIN, False
                digest(draft)
        self._undecided.clear()


def _joined(begin: str, text: str, *, spaced: bool) -> str:
    """Two pieces of a record: ``spaced`` where they were broken between words, unless its head says how it was."""
    if 'msg="' not in begin:
        ways = [way for way in (begin + text, f"{begin} {text}") if _HEAD.search(way)]
        if ways:
            return ways[0]
    spaced = spaced or begin[-1:] in ":,;"
    return f"{begin.rstrip(' ')} {text.lstrip(' ')}" if spaced else begin + text


def _is_open(text: str) -> bool:
    """Whether the message of a logrus record has no closing quote, or was cut off as a whole.

    A record with something glued to its front counts as truncated, too, and yet nothing of it can follow.
    """
    at = text.rfind('msg="')
    return at < 0 or not quoted(text, at + 4)[2]


class RightEdge:
    """Lines that end in the pager's mark: those as wide as the widest line were cut there."""

    def __init__(self) -> None:
        self._widest = 0
        self._marked: list[tuple[int, Draft]] = []

    def see(self, text: str, drafts: list[Draft]) -> None:
        """A line as it was shown, and what it gave."""
        if drafts and text[-1] == ">":
            self._marked.append((len(text), drafts[-1]))
        self._widest = max(self._widest, len(text))

    def settle(self, tally: Tally) -> None:
        """At the end of the text: mark what was cut."""
        at_edge = [draft for width, draft in self._marked if width == self._widest]
        if len(at_edge) < 2:
            return
        for draft in at_edge:
            if not draft.truncated:
                draft.truncated = True
                draft.message = draft.message.removesuffix(">")
        tally.reasons["cut at the right edge by the pager"] += len(at_edge)
