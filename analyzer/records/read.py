"""Inputs to a ``LogRecords``: open, recognise the carrier, decode, resolve time, merge."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from analyzer.errors import BadInputError
from analyzer.ledger import Ledger, Observer
from analyzer.records.carriers import file_carrier, parse_object
from analyzer.records.carriers.binary import BINARY
from analyzer.records.carriers.carrier import Opened
from analyzer.records.carriers.journal_fields import LINE_MAX
from analyzer.records.chronological import true_order
from analyzer.records.counted_lines import counted, too_many
from analyzer.records.draft import Draft, Tally
from analyzer.records.duplicates import drop_twice
from analyzer.records.laid_out import as_printed
from analyzer.records.log_record import ClockStep, LogRecord, Payload, SourceInfo
from analyzer.records.log_records import LogRecords
from analyzer.records.lost_lines import spread_losses
from analyzer.records.merge import drop_copies, drop_repeats, merge
from analyzer.records.payloads import digest
from analyzer.records.pod_clocks import name_hosts, skews
from analyzer.records.rotated_parts import parts_in_order
from analyzer.records.sections import drop_sections, number_boots, sorted_back
from analyzer.records.textlines import TextReader
from analyzer.records.timestamps import forget_stamps_of_printing, resolve
from analyzer.records.within_second import ordered_seconds
from analyzer.sources.inputs import Inputs
from analyzer.sources.open_input import open_input
from analyzer.sources.scan import BIG, KEPT_LINES, TAIL_LINES, candidates
from analyzer.sources.source import Input
from analyzer.timebase import SECOND

HELD_LIMIT = 200_000  # records of a whole folder or archive; a single log may have KEPT_LINES + TAIL_LINES


def read_log_records(
    paths: Sequence[str | os.PathLike[str] | Input],
    *,
    stdin: BinaryIO | None = None,
    observer: Observer | None = None,
) -> tuple[LogRecords, list[BadInputError]]:
    """Read every path (``"-"`` is ``stdin``) and return the merged log beside the inputs that could not be read.

    Paths are files, folders, patterns, archives and support bundles (``sources/inputs.py``), or inputs made elsewhere.
    Does not raise for bad input: each bad path gives one ``BadInputError`` with a hint, the good ones are in the book.
    An empty input is a good one with no records. Inputs above 16 MiB go through a fast scan that keeps only lines some
    rule can use; the records after passed-over lines carry ``gap_before``, and those lines count as ignored.
    """
    found = Inputs(paths, stdin=stdin, observer=observer)
    sources: list[tuple[Tally, list[Draft]]] = []
    containers: dict[str, Tally] = {}
    so_far: Counter[str] = Counter()  # bytes, by folder or archive: many small logs are as much as a large one
    held = 0
    for given in found:
        tally = Tally(given.name, len(sources), bundle=given.bundle, pod=given.pod)
        room = HELD_LIMIT - held if given.container else None
        if room is not None and room <= 0:
            found.errors.append(_no_room(given))
            break
        try:
            drafts = _read_one(given, tally, observer, so_far[given.container] if given.container else 0, room)
        except BadInputError as error:
            found.errors.append(error)
            continue
        if given.container:
            so_far[given.container] += tally.size
            held += len(drafts)
            containers[given.container] = tally
        sources.append((tally, drafts))
    for name, sentence in found.remarks:
        if name in containers:
            containers[name].notes.append(f"{name}: {sentence}")
            containers[name].reasons[sentence] += 1
        else:
            found.errors.append(BadInputError(f"{name}: {sentence}", hint="Copy it again, or unpack it"))
    log_records = assemble(sources)
    for reason, count in found.left_out.items():
        log_records.ledger.note(f"files left out: {reason}", count)
    return log_records, found.errors


def _no_room(given: Input) -> BadInputError:
    return BadInputError(
        f"{given.name} and what follows it were not read: {given.container} holds more lines about starts than can be"
        " held",
        hint="Many machines: k3slog fleet reads each log by itself; else name fewer files",
    )


def assemble(sources: Sequence[tuple[Tally, list[Draft]]]) -> LogRecords:
    """The log of all sources, whose drafts stand in the order in which they were read; it takes them out of there."""
    tallies = [tally for tally, _ in sources]
    read = [drafts for _, drafts in sources]
    sources = [(tally, _in_order(tally, drafts)) for tally, drafts in sources]
    # What one source teaches another must not depend on the order of the arguments.
    name_hosts(sources)
    steps = resolve(sorted(sources, key=lambda s: s[0].digest))
    pods = [source for source in sources if source[0].pod is not None]
    others = [source for source in sources if source[0].pod is None]
    # The lines of a static pod stand beside a journal: they must not change the order that it has without them.
    drafts = [draft for part in (others, pods) for draft in merge(drop_copies(part))]
    place = {id(draft): number for number, draft in enumerate(drafts)}
    marks = sorted((place[id(step.draft)], number) for number, step in enumerate(steps) if id(step.draft) in place)
    skewed = skews(others) if pods else {}
    for lines in (*read, *(lines for _, lines in sources)):
        lines.clear()  # each draft is let go when its record is made: both at once are too much for a small machine
    return LogRecords(
        _finished(drafts),
        tuple(SourceInfo(t.path, t.format, t.size, t.lines) for t in tallies),
        _ledger(tallies),
        tuple(ClockStep(seq, steps[at].by / SECOND, steps[at].draft.line, steps[at].draft.source) for seq, at in marks),
        {t.index: tuple(t.notes) for t in tallies if t.notes},
        {t.index: t.pod for t in tallies if t.pod is not None},
        skewed,
    )


def _finished(drafts: list[Draft]) -> tuple[LogRecord, ...]:
    """The records of ``drafts``, which is empty afterwards."""
    records: list[LogRecord] = []
    drafts.reverse()
    while drafts:
        records.append(drafts.pop().record(len(records)))
    return tuple(records)


def _in_order(tally: Tally, drafts: list[Draft]) -> list[Draft]:
    """The drafts of one source in the order of time; what its carrier did to them is undone, or told."""
    drafts = number_boots(forget_stamps_of_printing(drafts))
    drafts = drop_twice(tally, drop_sections(tally, drafts))
    drafts = sorted_back(tally, _one_host(true_order(tally, rejoin(drafts)), tally))
    drafts = drop_repeats(tally, ordered_seconds(tally, parts_in_order(tally, drafts)))
    spread_losses(drafts)
    return drafts


def _ledger(tallies: Sequence[Tally]) -> Ledger:
    ledger = Ledger()
    for tally in tallies:
        ledger.lines += tally.lines
        ledger.malformed += len(tally.malformed_lines)
        ledger.truncated += tally.truncated
        ledger.lossy += len(tally.lossy_lines)
        ledger.reasons.update(tally.reasons)
    ledger.ignored = ledger.lines - ledger.malformed - ledger.lossy
    return ledger


def _read_one(
    given: Input, tally: Tally, observer: Observer | None, before: int, room: int | None = None
) -> list[Draft]:
    """Drafts of one input; ``before``: bytes of its folder or archive that were read; ``room``: drafts to be held."""
    stream, reader, expected = open_input(given, observer=observer)
    try:
        # From 8 MiB of a folder on only starts are decoded, as from 16 MiB of a single log on.
        size = (expected or 0) + 2 * before if before else expected
        opened = Opened(given, reader, size is not None and size > BIG, parse_object)
        drafts = _held(_decode(opened, tally), tally, room)
    finally:
        reader.close()
    if not tally.format:
        tally.format = name_of(tally)
    if tally.format == BINARY.name:
        return drafts  # it tells its own size, and reads on where it is damaged
    tally.size = stream.done
    tally.digest = stream.digest()
    if stream.damage is not None:
        tally.tell(stream.damage, "input ends early")
        if not drafts and not tally.lines:
            raise BadInputError(f"{stream.name}: {stream.damage}", hint="Copy the file again")
    return drafts


def _held(drafts: Iterator[Draft], tally: Tally, room: int | None = None) -> list[Draft]:
    """All drafts, or the first and the last ones when they are too many for the memory of a small machine."""
    most = KEPT_LINES + TAIL_LINES if room is None else min(KEPT_LINES + TAIL_LINES, room)
    first = list(islice(drafts, most))
    last = deque(enumerate(drafts), maxlen=min(TAIL_LINES, most))
    if last and last[0][0]:  # so many stand between the first and the last ones
        last[0][1].gap_before = True
        too_many(tally, last[0][0])
    return [*first, *(draft for _, draft in last)]


def name_of(tally: Tally) -> str:
    """The format of a source, as most of its lines show it."""
    total = sum(tally.formats.values())
    if not total:
        return "empty" if not tally.lines else "text"
    name, votes = tally.formats.most_common(1)[0]
    return name if votes * 10 >= total * 9 else "mixed"


def _decode(opened: Opened, tally: Tally) -> Iterator[Draft]:
    carrier = file_carrier(opened.reader.peek(4096)[:65536])
    if carrier is not None and carrier.read is not None:
        yield from carrier.read(opened, tally)
        return
    text = TextReader(tally)
    for line in as_printed(counted(candidates(opened.reader, opened.big), tally), tally):
        yield from text.feed(line)
    yield from text.finish()


def rejoin(drafts: list[Draft]) -> list[Draft]:
    """Put lines together that journald split at 48 KiB, or docker at 16 KiB: pieces in a row of one process."""
    if not any(draft.line_max for draft in drafts):
        return drafts
    out: list[Draft] = []
    waiting: dict[tuple[str | None, str | None, int | None], Draft] = {}
    for draft in drafts:
        key = (draft.host, draft.ident, draft.pid)
        before = waiting.pop(key, None)
        if before is None or draft.payload is not Payload.PLAIN or len(before.whole) >= 16 * LINE_MAX:
            before = draft
            out.append(draft)
        else:
            before.whole += draft.whole or draft.message
            before.message, before.payload, before.truncated = before.whole, Payload.PLAIN, False
            digest(before)
        if draft.line_max:
            waiting[key] = before
    return out


def _one_host(drafts: list[Draft], tally: Tally) -> list[Draft]:
    """Lines whose host was cut off belong to the only host the source, or else its support bundle, names."""
    hosts = {draft.host for draft in drafts} - {None}
    if not hosts and tally.bundle is not None and tally.bundle.host is not None:
        hosts = {tally.bundle.host}
    if len(hosts) == 1:
        host = hosts.pop()
        for draft in drafts:
            draft.host = host
    return drafts
