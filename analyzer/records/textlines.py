"""Text logs, line by line: takes the layers off, keeps what belongs together, sets aside what is no log line.

One reader per source. What it knows of the lines before is in parts of one purpose each: the carriers' layers, lines in
pieces, broken records, boots, holes, the block of ``systemctl status``, the prompts of a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from analyzer.records import carriers
from analyzer.records.broken_records import BrokenRecords, RightEdge
from analyzer.records.carriers.carrier import Envelope, json_object
from analyzer.records.carriers.journal_fields import BLOB, LINE_MAX, NOT_UTF8
from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.html_entities import Unescaper
from analyzer.records.line_layers import CutLine, Layers, Pieces
from analyzer.records.log_record import RAW_LIMIT, Payload
from analyzer.records.months import MonthJudge
from analyzer.records.pasted_terminal import Terminal
from analyzer.records.payloads import digest, is_stamped_payload, recognise_pid_1
from analyzer.records.printable import decode, strip_terminal
from analyzer.records.startup_order import BANNER
from analyzer.records.systemctl_status import StatusBlock, is_head
from analyzer.records.text_marks import (
    BOOT,
    ELISION,
    NOISE,
    STATUS,
    Boots,
    DateHint,
    Hole,
    cloud_init_date,
    date_in,
    header_date,
)  # fmt: skip
from analyzer.sources.raw_lines import RawLine

_HEAD_END = 400  # characters in which the heads of a line end
_HEADS = re.compile(
    r"\d\d:\d\d:\d\d\S{0,20}[ \t]{1,8}[\w.-]{1,64}[ \t]{1,8}[\w.-]{1,64}\[\d{1,10}\]:\t?"
    r'|time="[^"\t]{1,40}"[ \t]{1,8}level=\w{1,9}[ \t]'
)
_REPEATED = re.compile(r"message repeated \d+ times: \[ ?(.*)\]$", re.DOTALL)
_OCTAL = re.compile(r"#([0-3][0-7]{2})")
_CLOCK_FIRST = re.compile(r" ?\d\d:\d\d:\d\d[ .]")


class Place(NamedTuple):
    """Where a line stands, and in which state it came."""

    number: int
    lossy: bool = False
    cut: bool = False


def _is_tabbed(text: str) -> bool:
    """Whether somebody's table or editor put tabs between the words of a line's head: then all its blanks are tabs."""
    return any("\t" in head[0] for head in _HEADS.finditer(text, 0, _HEAD_END))


class TextReader:
    """Feed it raw lines; it hands back drafts (see the module's docstring)."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._head: Draft | None = None  # the last line with a carrier's stamp, and the width of what stood before it
        self._head_width = 0
        self._margin = ""  # that of a text which is indented as a whole
        self._carriers: set[str] = set()  # in which lines of a log were read
        self._catalogue = False  # within an explanation of journalctl -x
        self._octal = False  # control characters are written as #012
        self._of_status = False  # the line is one of such a block, and no log line
        self._after_line_max = False
        self._unwrappers = [carrier.unwrap for carrier in carriers.CARRIERS if carrier.unwrap is not None]
        self._layers, self._pieces = Layers(), Pieces()
        self._broken, self._edge = BrokenRecords(tally), RightEdge()
        self._boots, self._hole = Boots(), Hole()
        self._status, self._terminal = StatusBlock(), Terminal()
        self._months, self._entities = MonthJudge(), Unescaper()

    # ------------------------------------------------------------------ one physical line

    def feed(self, line: RawLine) -> list[Draft]:
        """Drafts of one physical line, in order; none for blank lines, markers and other text that is no log line."""
        self.tally.lines += 1
        text, lossy = self._printable(line)
        if line.gap:
            self._hole.gap = True
        if not text or text.isspace():
            self._status.blank()
            return []
        if text[0] in " \t" and (self._margin or self._head is None):
            text = self._outdented(text)
        if text[0] in "-░" and self._marker(text):
            return []
        if text[0] != "-":
            self._catalogue = False
        if "Cloud-init v." in text:
            self._hint(cloud_init_date(text))
        drafts = self._object(line, text) if text[0] in "{[d" else None
        if drafts is None:
            drafts = self._text(text, Place(line.number, lossy, line.cut))
        if drafts and not self._of_status:
            self._hole.mark(drafts[0])
        self._of_status = False
        self._edge.see(text, drafts)
        return drafts

    def finish(self) -> Iterator[Draft]:
        """What was still waiting for its other half, and a second look at lines the pager may have cut."""
        for line in list(self._pieces.waiting.values()):
            for draft in self._whole(line, cut=True):
                self.tally.truncated += 1
                self.tally.reasons["line whose end is missing"] += 1
                yield draft
        self._pieces.waiting.clear()
        self._months.settle()
        self._broken.settle()
        self._edge.settle(self.tally)

    def _printable(self, line: RawLine) -> tuple[str, bool]:
        """The line as a reader would have seen it, and whether bytes of it were lost."""
        text, lossy = decode(line.data)
        if line.cut:
            self.tally.cut_line()
        if lossy:
            self.tally.lose(line.number, NOT_UTF8)
        if "\r" in text:
            text = text.rstrip("\r")
            if "\r" in text:  # a terminal redrew the line: the last version is what was seen
                text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
        if "&" in text or self._entities.depth:
            text = self._entities.line(text)
        if "\x00" in text and not lossy:
            self.tally.lose(line.number, "NUL bytes removed")
            lossy = True
        text = strip_terminal(text)
        return (text.replace("\t", " ") if "\t" in text and _is_tabbed(text) else text), lossy

    def _outdented(self, text: str) -> str:
        """A line of a text that is indented as a whole (a code block of Markdown or YAML), without that margin."""
        if self._margin:
            return text.removeprefix(self._margin)
        inner = text.lstrip(" \t")
        margin = text[: len(text) - len(inner)]
        if len(margin) < 2 and margin != "\t":
            return text
        if not is_stamped_payload(inner):
            layer = self._layers.first(inner)
            if layer is None or layer.outer is Outer.NONE or not layer.tail:
                return text
        self._margin = margin
        return inner

    # ------------------------------------------------------------------ what is no entry

    def _marker(self, text: str) -> bool:
        """Whether the line is journalctl's own, or grep's."""
        if text.startswith("░"):
            return True
        if text == "--":
            if not self._catalogue:  # else an empty line of an explanation, its blank trimmed
                self._hole.tear()
                self.tally.reasons["grep separator: lines are missing"] += 1
            return True
        if not text.startswith("-- "):
            return False
        self._catalogue = self._catalogue or text.startswith("-- Subject: ")
        boot = BOOT.match(text)
        if boot is not None:
            self._boots.begin(boot[1])
            self._head = None
        else:
            self._hint(header_date(text))
        return True

    def _hint(self, date: DateHint | None) -> None:
        if date is not None:
            self.tally.date_hints.append(date)

    def _noise(self, text: str) -> bool:
        """Whether the line is of a status block, or what tools and people put between lines."""
        unit = self._status.head(text)
        if unit is not None:
            self.tally.formats["status"] += 1
            command = f"journalctl -u {unit} --no-pager"
            self.tally.note(f"systemctl status shows a unit's last lines only; the whole log: {command}")
            self._hole.tear()
            self._head = None
            return True
        if STATUS.match(text):
            if "Active: " in text:
                self._hint(date_in(text))
            return True
        if ELISION.match(text):
            self._hole.tear()
            self.tally.reasons["lines left out by hand"] += 1
            return True
        return NOISE.match(text) is not None

    # ------------------------------------------------------------------ objects and pieces

    def _object(self, line: RawLine, text: str) -> list[Draft] | None:
        """Drafts of a line that is an object of some carrier; ``None`` when it is none."""
        data: Mapping[str, Any] | None = None
        if text[0] == "[":
            data = next((data for unwrap in self._unwrappers if (data := unwrap(text)) is not None), None)
        elif text[0] == "{" or text.startswith("data: {"):
            if text.startswith('{"level":"'):
                return None
            body = text.removeprefix("data: ")
            data = json_object(body)
            if data is None and ('"__REALTIME_TIMESTAMP"' in body or '"MESSAGE"' in body or '{"log":' in body[:8]):
                self.tally.spoil(line.number, "last entry cut off" if line.last else "JSON that cannot be read")
                return []
        found = carriers.parse_object(data, self.tally, line.number) if data is not None else None
        if isinstance(found, Envelope):
            return self._piece(found, line.number)
        for draft in found or ():
            if draft.boot_id is None:
                self._boots.mark(draft)
        return found

    def _piece(self, piece: Envelope, number: int) -> list[Draft]:
        line = self._pieces.joined(piece, number)
        return self._whole(line) if line is not None else []

    def _whole(self, line: CutLine, *, cut: bool = False) -> list[Draft]:
        """Drafts of a line whose pieces were put together; ``cut``: the last ones are missing."""
        line.envelope.partial = None
        place = Place(line.number, cut=cut)
        return [draft for row in line.rows() for draft in self._text(row, place, line.envelope)]

    # ------------------------------------------------------------------ text

    def _text(self, text: str, place: Place, outer: Envelope | None = None) -> list[Draft]:
        """Drafts of a line; ``outer`` is a layer that was taken off it before."""
        if outer is None and ".service" in text[:80] and is_head(text):  # its mark is one of quotations, too
            return self._bare(text, place)
        if outer is None and self._terminal.see(text, bool(self._carriers)):
            self._status.leave()
            return []
        found = self._layers.peeled(text, outer, self._pieces.waiting)
        if found is None:
            return self._bare(text, place)
        self.tally.formats[found.carrier] += 1
        if found.partial or (found.partial is False and found.stream in self._pieces.waiting):
            return self._piece(found, place.number)
        if found.newest_first:
            self.tally.newest_first = True
        if not found.tail and found.outer is Outer.NONE and not is_stamped_payload(found.rest):
            # Only a wrapper (CI, compose, a quoting mark) was peeled off.
            bare = self._bare(found.rest, place)
            for draft in bare:
                draft.host = draft.host or found.host
            return bare
        return self._carried(text, found, place)

    def _carried(self, whole: str, found: Envelope, place: Place) -> list[Draft]:
        """Drafts of a line with a carrier around its message."""
        text = found.rest
        self._octal = self._octal or found.octal
        if self._octal and "#" in text:
            text = strip_terminal(_OCTAL.sub(lambda m: chr(int(m.group(1), 8)), text))
        repeated = _REPEATED.match(text) if text.startswith("message rep") else None
        if repeated is not None:
            text = repeated.group(1)
        if found.unit is None and found.ident and self._status.unit.startswith(found.ident):
            found.unit = self._status.unit  # `systemctl status` names the unit above its last lines only
        drafts: list[Draft] = []
        for piece in text.split("\n") if "\n" in text else (text,):
            draft = self._draft(piece, whole, place)
            draft.take_writer(found)
            draft.take_stamp(found)
            draft.follows = bool(drafts)
            self._digest(draft)
            recognise_pid_1(draft)
            if found.month:
                self._months.see(found.month, draft)
            drafts.append(draft)
        self._of_log(found)
        for draft in drafts:
            draft.foreign = self._terminal.foreign
        if found.tail or found.outer is not Outer.NONE:
            self._head = drafts[-1]
            self._head_width = len(whole.encode("utf-8", "replace")) - len(text.encode("utf-8", "replace"))
        return drafts

    def _of_log(self, found: Envelope) -> None:
        """Whether the terminal shows a log (again), as a line's carrier tells."""
        if found.outer is not Outer.NONE and (found.tail or found.carrier in self._carriers):
            self._terminal.foreign = False
        if not self._terminal.foreign:
            self._carriers.add(found.carrier)

    def _draft(self, text: str, whole: str, place: Place) -> Draft:
        draft = Draft(self.tally.index, place.number, whole[:RAW_LIMIT], text)
        draft.truncated, draft.lossy = place.cut, place.lossy
        draft.boot_id, draft.boot_seq = self._boots.id, self._boots.seq
        return draft

    def _digest(self, draft: Draft) -> None:
        text = draft.message
        if len(text) > 48_000 and len(text.encode("utf-8", "replace")) == LINE_MAX:
            draft.line_max = True
            draft.whole = text
        elif len(text) > 2 and self._after_line_max:
            draft.whole = text
        self._after_line_max = draft.line_max
        if text[:1] == "[" and BLOB.fullmatch(text) and not draft.lossy:
            draft.lossy = draft.gap_before = draft.lost_before = True
            self.tally.lose(draft.line, "message not printable, replaced by journalctl")
        digest(draft)
        self._broken.see(draft, text)
        if "Suppressed " in text and draft.ident == "systemd-journald":
            draft.gap_before = True
        if ("…" in draft.raw and "…" in text) or (draft.truncated and not draft.lossy and text[-1:] in ">…"):
            draft.truncated = True
            self.tally.truncated += 1

    def _bare(self, text: str, place: Place) -> list[Draft]:
        """A line without any envelope: a bare payload, a further line of the entry before, or no log line at all."""
        if not text or text.isspace():
            return []  # only a quoting mark or another wrapper stood here
        if self._broken.takes(text):
            return []
        if is_stamped_payload(text):
            return [self._payload(text, place)]
        head = self._head if not self._terminal.foreign else None
        if head is not None and text[0] in " \t" and not _CLOCK_FIRST.match(text) and not STATUS.match(text):
            further = self._further(text, place, head)
            self._broken.keep(further)
            return [further]
        if self._noise(text):
            drafts = self._status.records(text, self.tally.index, place.number)
            self._of_status = bool(drafts)
            return [self._boots.mark(draft) for draft in drafts]
        draft = self._draft(text, text, place)
        before = self._broken.unclosed
        self._digest(draft)
        self._broken.stay(before, draft)
        if head is None:
            recognise_pid_1(draft)
            self._status.claim(draft)
        elif draft.payload is not Payload.LOGRUS:
            draft.take_writer(head)  # the prefix was cut away or wrapped: it belongs where it stands
            draft.follows = True
        return [self._whose(draft)]

    def _payload(self, text: str, place: Place) -> Draft:
        """A line of the process with nothing before it."""
        self.tally.formats["cat"] += 1
        draft = self._draft(text, text, place)
        if self._head is None:
            self._status.claim(draft)
        self._digest(draft)
        self._carriers.add("cat")
        return self._whose(draft)

    def _further(self, text: str, place: Place, head: Draft) -> Draft:
        """An indented line, which goes on with the entry before it."""
        width = self._head_width
        body = text[width:] if len(text) > width and text[:width].isspace() else text.lstrip(" ")
        draft = self._draft(body, text, place)
        draft.take_writer(head)
        draft.take_stamp(head)
        draft.follows, draft.mono = True, head.mono
        digest(draft)
        return draft

    def _whose(self, draft: Draft) -> Draft:
        """A line without a carrier is of the command whose prompt stands before it, until k3s itself begins."""
        if self._terminal.foreign and BANNER.match(draft.message):
            self._terminal.foreign = False
        draft.foreign = self._terminal.foreign
        if self._terminal.called and not draft.foreign:
            draft.fields = {**draft.fields, "called": self._terminal.called}
            self._terminal.called = ""
        return draft
