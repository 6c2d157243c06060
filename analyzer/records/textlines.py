"""Text logs, line by line: peels envelopes in a loop, keeps what belongs together, sets aside what is no log line.

One reader per source. It knows the line before (for continuation lines), the boot a marker announced, and the pieces
of lines that docker or CRI split.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.envelopes import PEELERS, Envelope
from analyzer.records.goquote import quoted
from analyzer.records.html_entities import Unescaper
from analyzer.records.log_record import RAW_LIMIT, Payload
from analyzer.records.months import MonthJudge, month_number
from analyzer.records.pasted_terminal import Terminal
from analyzer.records.payloads import digest, is_stamped_payload
from analyzer.records.printable import decode, strip_terminal
from analyzer.records.startup_order import BANNER
from analyzer.records.structured import LINE_MAX, from_fluent, from_json
from analyzer.records.systemctl_status import StatusBlock, is_head
from analyzer.sources.raw_lines import LINE_LIMIT, RawLine
from analyzer.timebase import parse_iso

MAX_LAYERS = 6  # deeper than any seen: CI, its viewer, compose, the runtime, the journal, the message
_BOOT = re.compile(r"-- Boot ([0-9a-f]{32}) --")
_BEGINS = re.compile(r"-- (?:Logs begin|Journal begins) at (.+?)(?:, ends? at (.+?))?\.? ?(?:--)?$")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]{1,5}|[+-]\d{2,4})")
_STATUS = re.compile(
    r"\s*(?:Loaded|Active|Main PID|Process|Tasks|Memory|CPU|CGroup|Docs|Invocation|Drop-In|Status|TriggeredBy|IO|IP): |"
    r"\s+[├└│]|\s+`-|\s+\|-"
)
_NOISE = re.compile(
    r"lines \d+-\d+|\(END\)|~$|Hint: Some lines were ellipsized|(?:Notice|Warning): [Jj]ournal has been rotated|```|"
    r"[$#] |\[\w+@[^\]]+\][$#]|\w[\w.\-]*@[\w.\-]+:\S*[$#] |section_(?:start|end):\d|##\[|Common labels: |Line limit: |"
    r"Total bytes processed: |</?(?:code|pre|details|summary)>"
)
_ELISION = re.compile(r"(?:\.{2,}|…+|\[?(?:SNIP|snip|\.\.\.)\]?|--)$")
# The banner of cloud-init's output; the installer's lines in it have no stamps of their own.
_CLOUD_INIT = re.compile(
    r"Cloud-init v\. \S+ .{0,80} at (?:\w{3}, )?(\d{1,2}) (\w{3}) (\d{4}) (\d\d:\d\d:\d\d) [+-]\d{4}\b"
)
_DOCKER_PIECE = 16384  # characters at which docker cuts a line; `docker logs -t` puts a stamp before each piece
_DOCKER_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_BLOB = re.compile(r"\[\d+(?:\.\d)?[BKMGT] blob data\]")
_REPEATED = re.compile(r"message repeated \d+ times: \[ ?(.*)\]$", re.DOTALL)
_OCTAL = re.compile(r"#([0-3][0-7]{2})")
_CLOCK_FIRST = re.compile(r" ?\d\d:\d\d:\d\d[ .]")
_CHECK_MARK = re.compile(r"\[[+-]\][a-z]")
_EMAIL_WIDTH = 80
_MAIL_PIECES = 2  # pieces between the first and the last of a record that a mail program broke
_NARROWEST = 40  # columns of a terminal in which a record may have been broken over more than two lines
_WORD = 24  # characters by which lines that were broken between words differ
_MOST_PIECES = 16  # … lines of it
_CLOSED = re.compile(r"(?: [\w.\-/]{1,60}=(?:\"[^\"]*\"?|[^\s\"]*))*\s*$")
_MOST_JOINS = 200  # lines of one record: a check list has about sixty


class TextReader:
    """Feed it raw lines; it hands back drafts (see the module's docstring)."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.boot: str | None = None
        self.boots: list[str | None] = []
        self.boot_seq = 0
        self.head: Draft | None = None
        self.head_width = 0
        self.gap = False
        self.lost = False  # the gap is a loss, not lines that were passed over
        self.rsyslog = False
        self._entities = Unescaper()
        self.catalogue = False  # within an explanation of journalctl -x
        self.months = MonthJudge()
        # The last line, when its message has no closing quote, and the pieces of what it says.
        self._open: tuple[Draft, list[str]] | None = None
        self._joins = 0  # lines that were made part of it
        self._between: list[Draft] = []  # the pieces of a record that a mail program may have broken
        self._margin = ""  # that of a text which is indented as a whole
        self.status = StatusBlock()
        self._carriers: set[str] = set()  # in which lines of a log were read
        self.terminal = Terminal()
        self._of_status = False  # the line is one of such a block, and no log line
        self.longest = 0
        self._after_line_max = False
        self.pager: list[tuple[int, Draft]] = []
        self._order: list[tuple[str, Callable[[str], Envelope | None]]] = list(PEELERS)
        self._parts: dict[str, tuple[list[str], int, int, Envelope, bool]] = {}

    # ------------------------------------------------------------------ one physical line

    def feed(self, line: RawLine) -> list[Draft]:
        """Drafts of one physical line, in order; none for blank lines, markers and other text that is no log line."""
        tally = self.tally
        tally.lines += 1
        text, lossy = decode(line.data)
        if line.cut:
            tally.truncated += 1
            tally.reasons["line longer than 256 KiB cut"] += 1
        if lossy:
            tally.lose(line.number, "bytes that are not UTF-8 replaced")
        if "\r" in text:
            text = text.rstrip("\r")
            if "\r" in text:  # a terminal redrew the line: the last version is what was seen
                text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
        if "&" in text or self._entities.depth:
            text = self._entities.line(text)
        zeros = "\x00" in text
        text = strip_terminal(text)
        if zeros and not lossy:
            tally.lose(line.number, "NUL bytes removed")
            lossy = True
        if line.gap:
            self.gap = True
        if not text or text.isspace():
            self.status.blank()
            return []
        if text[0] in " \t" and (self._margin or self.head is None):
            text = self._outdented(text)
        if text[0] in "-░" and self._marker(text):
            return []
        if text[0] != "-":
            self.catalogue = False
        if "Cloud-init v." in text:
            self._cloud_init(text)
        drafts = self._json(line, text) if text[0] == "{" or text.startswith("data: {") else None
        if drafts is None and text[0] == "[" and '"=>' in text:
            fluent = from_fluent(text)
            drafts = from_json(fluent, tally, line.number) if fluent is not None else None
        if drafts is None:
            drafts = self._text(text, line.number, None, lossy, line.cut)
        else:
            for draft in drafts:
                if draft.boot_id is None:
                    draft.boot_id, draft.boot_seq = self.boot, self.boot_seq
        if self._of_status:
            self._of_status = False
        elif self.gap and drafts:
            drafts[0].gap_before = True
            drafts[0].lost_before = self.lost
            self.gap = self.lost = False
        if drafts and text[-1] == ">":
            self.pager.append((len(text), drafts[-1]))
        self.longest = max(self.longest, len(text))
        return drafts

    def finish(self) -> Iterator[Draft]:
        """What was still waiting for its other half, and a second look at lines the pager may have cut."""
        for pieces, _, number, envelope, lossy in list(self._parts.values()):
            for row in strip_terminal("".join(pieces)).split("\n"):
                for draft in self._text(row, number, envelope, lossy, True):
                    self.tally.truncated += 1
                    self.tally.reasons["line whose end is missing"] += 1
                    yield draft
        self._parts.clear()
        self.months.settle()
        at_edge = [draft for width, draft in self.pager if width == self.longest]
        if len(at_edge) >= 2:
            for draft in at_edge:
                if not draft.truncated:
                    draft.truncated = True
                    draft.message = draft.message.removesuffix(">")
            self.tally.reasons["cut at the right edge by the pager"] += len(at_edge)

    def _outdented(self, text: str) -> str:
        """A line of a text that is indented as a whole (a code block of Markdown or YAML), without that margin."""
        if self._margin:
            return text.removeprefix(self._margin)
        inner = text.lstrip(" \t")
        margin = text[: len(text) - len(inner)]
        if len(margin) < 2 and margin != "\t":
            return text
        if not is_stamped_payload(inner):
            _, layer = self._peel(inner)
            if layer is None or layer.outer is Outer.NONE or not layer.tail:
                return text
        self._margin = margin
        return inner

    # ------------------------------------------------------------------ what is no entry

    def _marker(self, text: str) -> bool:
        if text.startswith("░"):
            return True
        if text == "--" and self.catalogue:
            return True  # an empty line of an explanation, its blank trimmed
        if text == "--":
            self.gap = self.lost = True
            self.tally.reasons["grep separator: lines are missing"] += 1
            return True
        if not text.startswith("-- "):
            return False
        self.catalogue = self.catalogue or text.startswith("-- Subject: ")
        boot = _BOOT.match(text)
        if boot is not None:
            self._new_boot(boot.group(1))
        elif text.startswith("-- Reboot --"):
            self._new_boot(None)
        else:
            begins = _BEGINS.match(text)
            if begins is not None:
                self._hint(begins.group(2) or begins.group(1))
        return True

    def _new_boot(self, boot: str | None) -> None:
        if not self.boots:
            self.boots.append(None)  # the boot before the first marker
        if boot is not None and boot in self.boots:
            self.boot_seq = self.boots.index(boot)
        else:
            self.boots.append(boot)
            self.boot_seq = len(self.boots) - 1
        self.boot = boot
        self.head = None

    def _hint(self, text: str) -> None:
        match = _DATE.search(text)
        if match is None:
            return
        zone = match.group(2)
        if zone in ("UTC", "GMT"):
            offset: int | None = 0
        elif zone[0] in "+-" and len(zone) in (3, 5):
            parsed = parse_iso(match.group(1).replace(" ", "T") + (zone if len(zone) == 5 else zone + "00"))
            offset = parsed.offset_s if parsed is not None else None
        else:
            offset = None
        wall = parse_iso(match.group(1).replace(" ", "T"))
        if wall is not None:
            self.tally.date_hints.append((wall.us, offset))

    def _cloud_init(self, text: str) -> None:
        banner = _CLOUD_INIT.search(text)
        month = month_number(banner[2]) if banner is not None else None
        if banner is not None and month is not None:
            wall = parse_iso(f"{banner[3]}-{month:02d}-{int(banner[1]):02d}T{banner[4]}")
            if wall is not None:  # its zone need not be that of the log's stamps: only the year is taken
                self.tally.date_hints.append((wall.us, None))

    def _noise(self, text: str) -> bool:
        unit = self.status.head(text)
        if unit is not None:
            self.tally.formats["status"] += 1
            command = f"journalctl -u {unit} --no-pager"
            note = f"systemctl status shows a unit's last lines only; the whole log: {command}"
            if note not in self.tally.notes:
                self.tally.notes.append(note)
            self.gap = self.lost = True
            self.head = None
            return True
        if _STATUS.match(text):
            if "Active: " in text:
                self._hint(text)
            return True
        if _ELISION.match(text):
            self.gap = self.lost = True
            self.tally.reasons["lines left out by hand"] += 1
            return True
        return _NOISE.match(text) is not None

    # ------------------------------------------------------------------ JSON per line

    def _json(self, line: RawLine, text: str) -> list[Draft] | None:
        """Drafts of a JSON carrier's line, ``None`` when the line is not of one."""
        if text.startswith('{"level":"'):
            return None
        body = text.removeprefix("data: ")
        try:
            data: Any = json.loads(body)
        except (ValueError, RecursionError):
            if '"__REALTIME_TIMESTAMP"' in body or '"MESSAGE"' in body or '{"log":' in body[:8]:
                self.tally.spoil(line.number, "last entry cut off" if line.last else "JSON that cannot be read")
                return []
            return None
        if not isinstance(data, dict):
            return None
        drafts = from_json(data, self.tally, line.number)
        if drafts is not None:
            return drafts
        if isinstance(data.get("log"), str) and ("stream" in data or "time" in data):
            self.tally.formats["docker-json"] += 1
            envelope = Envelope("")
            instant = parse_iso(str(data.get("time", "")))
            if instant is not None and instant.offset_s is not None:
                envelope.outer, envelope.value = Outer.UTC, instant.us
                envelope.precision, envelope.offset_s = instant.precision_us, instant.offset_s
            whole = data["log"].endswith("\n")
            return self._piece(str(data.get("stream")), data["log"].rstrip("\r\n"), line.number, envelope, not whole)
        return None

    def _piece(self, stream: str, text: str, number: int, envelope: Envelope, more: bool) -> list[Draft]:
        """Join the parts of a line that the container runtime split; its own stamp is the first part's."""
        pieces, size, first, begun, lossy = self._parts.pop(stream, ([], 0, number, envelope, False))
        if size < LINE_LIMIT:
            pieces.append(text)
            size += len(text)
        if more:
            self._parts[stream] = (pieces, size, first, begun, lossy)
            return []
        drafts: list[Draft] = []
        for row in strip_terminal("".join(pieces)).split("\n"):
            drafts += self._text(row, first, begun, lossy, False)
        return drafts

    # ------------------------------------------------------------------ text

    def _text(self, text: str, number: int, outer: Envelope | None, lossy: bool, cut: bool) -> list[Draft]:
        if outer is None and ".service" in text[:80] and is_head(text):  # its mark is one of quotations, too
            return self._bare(text, number, lossy, cut)
        if outer is None and self.terminal.see(text, bool(self._carriers)):
            self.status.leave()
            return []
        whole = text
        found = outer
        names: list[str] = []
        for _ in range(MAX_LAYERS):
            if is_stamped_payload(text):
                break
            name, layer = self._peel(text)
            if layer is None:
                break
            if layer.partial is not None:
                self.tally.formats["cri"] += 1
                if layer.partial or layer.stream in self._parts:
                    return self._piece(layer.stream, layer.rest, number, layer, layer.partial)
                name = "cri"
            names.append(name)
            if layer.stream == "logcli":
                self.tally.newest_first = True
            found = layer if found is None else _merge(found, layer)
            text = layer.rest
            if len(text) > _DOCKER_PIECE and name == "short-iso":
                text = _without_stamps(text)
            if layer.tail:
                break
        if found is None:
            return self._bare(whole, number, lossy, cut)
        if not names:
            names.append("cri" if found.partial is not None else "docker-json")
        self.tally.formats[names[-1]] += 1
        if not found.tail and found.outer is Outer.NONE and not is_stamped_payload(text):
            # Only a wrapper (CI, compose, a quoting mark) was peeled off.
            bare = self._bare(text, number, lossy, cut)
            for draft in bare:
                draft.host = draft.host or found.host
            return bare
        if names[-1] == "syslog" or (names[-1] == "short" and whole[4:5] == " " and whole[5:6].isdigit()):
            self.rsyslog = True
        if self.rsyslog and "#" in text:
            text = strip_terminal(_OCTAL.sub(lambda m: chr(int(m.group(1), 8)), text))
        repeated = _REPEATED.match(text) if text.startswith("message rep") else None
        if repeated is not None:
            text = repeated.group(1)
        drafts: list[Draft] = []
        for piece in text.split("\n") if "\n" in text else (text,):
            draft = self._draft(piece, whole, number, lossy, cut)
            draft.host, draft.ident, draft.pid, draft.unit = found.host, found.ident, found.pid, found.unit
            if draft.unit is None and draft.ident and self.status.unit.startswith(draft.ident):
                draft.unit = self.status.unit  # `systemctl status` names the unit above its last lines only
            draft.outer, draft.value, draft.precision = found.outer, found.value, found.precision
            draft.offset_s = found.offset_s
            draft.follows = bool(drafts)
            self._digest(draft)
            if found.month:
                self.months.see(found.month, draft)
            drafts.append(draft)
        if found.outer is not Outer.NONE and (found.tail or names[-1] in self._carriers):
            self.terminal.foreign = False  # clearly of the log again
        if not self.terminal.foreign:
            self._carriers.add(names[-1])
        for draft in drafts:
            draft.foreign = self.terminal.foreign
        if found.tail or found.outer is not Outer.NONE:
            self.head = drafts[-1]
            self.head_width = len(whole.encode("utf-8", "replace")) - len(text.encode("utf-8", "replace"))
        return drafts

    def _peel(self, text: str) -> tuple[str, Envelope | None]:
        for at, (name, peeler) in enumerate(self._order):
            layer = peeler(text)
            if layer is not None:
                if at and name != "junk":  # the last winner goes first next time
                    self._order.insert(0, self._order.pop(at))
                return name, layer
        return "", None

    def _draft(self, text: str, whole: str, number: int, lossy: bool, cut: bool) -> Draft:
        draft = Draft(self.tally.index, number, whole[:RAW_LIMIT], text)
        draft.truncated, draft.lossy = cut, lossy
        draft.boot_id, draft.boot_seq = self.boot, self.boot_seq
        return draft

    def _digest(self, draft: Draft) -> None:
        text = draft.message
        if len(text) > 48_000 and len(text.encode("utf-8", "replace")) == LINE_MAX:
            draft.line_max = True
            draft.whole = text
        elif len(text) > 2 and self._after_line_max:
            draft.whole = text
        self._after_line_max = draft.line_max
        if text[:1] == "[" and _BLOB.fullmatch(text) and not draft.lossy:
            draft.lossy = draft.gap_before = draft.lost_before = True
            self.tally.lose(draft.line, "message not printable, replaced by journalctl")
        digest(draft)
        unclosed = draft.truncated and draft.payload is Payload.LOGRUS and text[-1:] not in ">…" and _is_open(text)
        self._open, self._joins = (draft, [text]) if unclosed else None, 0
        self._between = []
        if "Suppressed " in text and draft.ident == "systemd-journald":
            draft.gap_before = True
        if ("…" in draft.raw and "…" in text) or (draft.truncated and not draft.lossy and text[-1:] in ">…"):
            if not draft.truncated:
                draft.truncated = True
            self.tally.truncated += 1

    def _bare(self, text: str, number: int, lossy: bool, cut: bool) -> list[Draft]:
        """A line without any envelope: a bare payload, a further line of the entry before, or no log line at all."""
        if not text or text.isspace():
            return []  # only a quoting mark or another wrapper stood here
        if self._joined(text):
            return []
        if is_stamped_payload(text):
            self.tally.formats["cat"] += 1
            draft = self._draft(text, text, number, lossy, cut)
            if self.head is None:
                self.status.claim(draft)
            self._digest(draft)
            self._carriers.add("cat")
            return [self._whose(draft)]
        head = self.head if not self.terminal.foreign else None
        if head is not None and text[0] in " \t" and not _CLOCK_FIRST.match(text) and not _STATUS.match(text):
            width = self.head_width
            body = text[width:] if len(text) > width and text[:width].isspace() else text.lstrip(" ")
            draft = self._draft(body, text, number, lossy, cut)
            self._inherit(draft, head)
            draft.follows = True
            draft.outer, draft.value, draft.precision = head.outer, head.value, head.precision
            draft.offset_s, draft.mono = head.offset_s, head.mono
            digest(draft)
            return [draft]
        if self._noise(text):
            drafts = self.status.records(text, self.tally.index, number)
            for draft in drafts:
                draft.boot_id, draft.boot_seq = self.boot, self.boot_seq
            self._of_status = bool(drafts)
            return drafts
        draft = self._draft(text, text, number, lossy, cut)
        waiting, between = self._open, [*self._between, draft]
        self._digest(draft)
        if waiting is not None and self._open is None:
            self._open, self._between = waiting, between
        if head is None:
            self.status.claim(draft)
        elif draft.payload is not Payload.LOGRUS:
            self._inherit(draft, head)  # the prefix was cut away or wrapped: it belongs where it stands
            draft.follows = True
        return [self._whose(draft)]

    def _whose(self, draft: Draft) -> Draft:
        """A line without a carrier is of the command whose prompt stands before it, until k3s itself begins."""
        if self.terminal.foreign and BANNER.match(draft.message):
            self.terminal.foreign = False
        draft.foreign = self.terminal.foreign
        return draft

    def _joined(self, text: str) -> bool:
        """Whether ``text`` was the rest of a record that somebody's editor broke in two; then it is part of it now.

        Prose often stands below a cut line: only what closes the quote, or goes on with a check list, is a rest.
        A mail or a terminal breaks a record more than once; the pieces between are kept until the quote is closed.
        """
        before, self._open = self._open, None
        if before is None or is_stamped_payload(text):
            return False
        draft, pieces = before
        begin, first = pieces[-1], len(draft.raw)
        mail = first <= _EMAIL_WIDTH
        pieces = [*pieces, text]
        if len(pieces) == 2:
            whole = begin + (" " if mail or begin[-1:] in ":,;" else "") + text
        else:  # full to the last column: a terminal broke it, and not between words
            full = first >= _EMAIL_WIDTH and all(len(piece.raw) == first for piece in self._between)
            whole = ("" if full else " ").join(pieces)
        _, end, closed = quoted(whole, whole.index('msg="') + 4) if 'msg="' in whole else ("", 0, False)
        if closed and len(self._between) > (_MAIL_PIECES if mail else 0) and _CLOSED.match(whole, end) is None:
            return False  # so far below it, that quote is one of the prose
        listed = _CHECK_MARK.search(begin) is not None and _CHECK_MARK.search(text) is not None
        if not (closed or listed) or len(whole) > LINE_LIMIT:
            if first >= _NARROWEST and len(text) <= max(_EMAIL_WIDTH, first + _WORD) and len(pieces) < _MOST_PIECES:
                self._open = (draft, pieces)
            return False
        for piece in self._between:  # each was taken for a line of its own
            piece.message = ""
        draft.message, draft.truncated, draft.raw = whole, False, (draft.raw + text)[:RAW_LIMIT]
        digest(draft)
        self.tally.reasons["record broken over several lines"] += 1
        # Every piece is read again with what came before it: without a bound that is quadratic on hostile text.
        self._joins += 1
        more = draft.truncated and _is_open(whole) and self._joins < _MOST_JOINS
        self._open = (draft, [whole]) if more else None
        return True

    @staticmethod
    def _inherit(draft: Draft, head: Draft) -> None:
        before = head
        draft.host, draft.ident, draft.pid, draft.unit = before.host, before.ident, before.pid, before.unit


def _is_open(text: str) -> bool:
    """Whether the message of a logrus record has no closing quote, or was cut off as a whole.

    A record with something glued to its front counts as truncated, too, and yet nothing of it can follow.
    """
    at = text.rfind('msg="')
    return at < 0 or not quoted(text, at + 4)[2]


def _without_stamps(text: str) -> str:
    """A long line of ``docker logs -t`` without the stamps of its further pieces."""
    at = _DOCKER_PIECE
    while (stamp := _DOCKER_STAMP.match(text, at)) is not None:
        text = text[:at] + text[stamp.end() :]
        at += _DOCKER_PIECE
    return text


def _merge(outer: Envelope, inner: Envelope) -> Envelope:
    """The inner layer wins where it says anything: an outer stamp is the time of printing."""
    if inner.outer is Outer.NONE:
        inner.outer, inner.value, inner.precision, inner.offset_s = (
            outer.outer, outer.value, outer.precision, outer.offset_s,
        )  # fmt: skip
    inner.host = inner.host or outer.host
    inner.ident = inner.ident or outer.ident
    inner.unit = inner.unit or outer.unit
    if inner.pid is None:
        inner.pid = outer.pid
    inner.tail = inner.tail or outer.tail
    return inner
