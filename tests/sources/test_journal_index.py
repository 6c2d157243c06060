"""Entries by a journal's own index: those of reading from end to end, or that is done instead."""

from __future__ import annotations

import io
import lzma
import random
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyzer.records.carriers.binary_journal import read_journal
from analyzer.records.draft import Tally
from analyzer.sources import journal_file, journal_index
from analyzer.sources.journal_choice import Choice
from analyzer.sources.journal_file import JournalFile
from analyzer.sources.journal_index import Places, wanted_places
from tests.kit.effort import calls
from tests.kit.journal_writer import Entry, write_journal

SAMPLES = sorted((Path(__file__).parent.parent / "data" / "journals").glob("*.journal.xz"))
T0 = 1_740_809_010_000_000
KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}


@dataclass(frozen=True)
class Reading:
    """What came of one way of reading: ``places`` when it was by the index."""

    rows: list[tuple[object, ...]]
    totals: tuple[object, ...]
    places: Places | None


def read(data: bytes, monkeypatch: pytest.MonkeyPatch, *, by_index: bool = True) -> Reading:
    answers: list[Places | None] = []

    def spy(*args: object) -> Places | None:
        answers.append(wanted_places(*args) if by_index else None)  # type: ignore[arg-type]
        return answers[-1]

    monkeypatch.setattr(journal_file, "wanted_places", spy)
    journal, choice = JournalFile(io.BytesIO(data)), Choice()
    rows: list[tuple[object, ...]] = [
        (e.number, e.seqnum, e.realtime, e.monotonic, e.boot_id, tuple(e.pairs), e.lost, e.gap)
        for e in journal.entries(None, choice)
    ]
    totals = (journal.entries_met, journal.passed, journal.unreadable, tuple(journal.trouble), choice.ours)
    return Reading(rows, totals, answers[0])


def same_both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Reading:
    index, walk = (read(data, monkeypatch, by_index=way) for way in (True, False))
    assert index.rows == walk.rows
    assert index.totals == walk.totals
    return index


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of small journals, and of those of k3s alone, as well."""
    monkeypatch.setattr(journal_index, "FEW", 0)
    monkeypatch.setattr(journal_index, "_SHARE", 1)


def entry(at: int, message: str, **fields: str) -> Entry:
    fields = {"MESSAGE": message, "_HOSTNAME": "node-1", "_TRANSPORT": "stdout", **fields}
    return Entry(T0 + at, 5_000_000 + at, tuple((key, value.encode()) for key, value in fields.items()))


def node(count: int, every: int = 40) -> list[Entry]:
    """The journal of a node: other programs, and at every ``every``-th place one of those that are wanted, in turns."""
    unit = {"_SYSTEMD_UNIT": "k3s.service", "SYSLOG_IDENTIFIER": "k3s", "_COMM": "k3s-server"}
    wanted: list[dict[str, str]] = [
        unit,
        {**unit, "MESSAGE": "the same in each"},
        {"UNIT": "k3s.service", "SYSLOG_IDENTIFIER": "systemd", "_SYSTEMD_UNIT": "init.scope"},
        {"UNIT": "run-k3s-containerd-shm.mount", "SYSLOG_IDENTIFIER": "systemd", "_SYSTEMD_UNIT": "init.scope"},
        {**KERNEL, "MESSAGE": "Out of memory: Killed process 7 (k3s-server)"},
        {**KERNEL, "MESSAGE": "Linux version 6.1.0"},
        {"SYSLOG_IDENTIFIER": "chronyd", "_SYSTEMD_UNIT": "chrony.service"},
        {"MESSAGE_ID": "c7a787079b354eaaa9e77b371893cd27", "SYSLOG_IDENTIFIER": "systemd"},
        {"MESSAGE_ID": "a596d6fe7bfa4994828e72309e95d61e", "MESSAGE": "Suppressed 9 messages from k3s.service"},
    ]
    rows = []
    for n in range(count):
        place, wants = divmod(n, every)
        if wants == every // 2:
            fields = {"MESSAGE": f"wanted {n}", **wanted[place % len(wanted)]}
        elif n % 10 == 1:
            fields = {**KERNEL, "MESSAGE": f"cni0: port {n % 7} is up"}
        else:
            app = f"app-{n % 60}"
            fields = {"MESSAGE": f"other {n}", "_SYSTEMD_UNIT": f"{app}.service", "SYSLOG_IDENTIFIER": app}
        rows.append(entry(n, fields.pop("MESSAGE"), **fields))
    return rows


# ------------------------------------------------------------------------------------------------------ the same


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_real_journals_give_the_same_by_their_index(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = same_both_ways(lzma.decompress(path.read_bytes()), monkeypatch)
    assert reading.places is not None


@pytest.mark.parametrize("compact", [True, False])
def test_a_node_gives_the_same_by_its_index(compact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = same_both_ways(write_journal(node(4000), compact=compact, per_array=4), monkeypatch)
    assert reading.places is not None
    assert len(reading.rows) == 100
    assert reading.totals[:2] == (4000, 3900)
    assert len(reading.places.offsets) == 100  # what the kernel says of others is not even given


def test_of_a_node_without_k3s_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for n, row in enumerate(node(4000)) if n % 40 != 20]
    reading = same_both_ways(write_journal(rows), monkeypatch)
    assert reading.places is not None and not reading.places.offsets
    assert reading.totals == (3900, 3900, 0, (), False)


@pytest.mark.usefixtures("always")
def test_packed_texts_are_read_on_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = node(300)
    for n, text in ((3, b"Out of memory"), (7, b"nothing of note")):
        packed = lzma.compress(b"MESSAGE=" + text + b" " * 600)
        rows[n] = Entry(T0 + n, n, (("MESSAGE", (1, packed)), ("_TRANSPORT", b"kernel")))
    reading = same_both_ways(write_journal(rows), monkeypatch)
    assert reading.places is not None
    assert {4, 8} <= {*reading.places.numbers} and 4 in {row[0] for row in reading.rows}
    assert 8 not in {row[0] for row in reading.rows}


def test_the_time_goes_by_what_is_wanted() -> None:
    def effort(count: int) -> int:
        rows = [entry(n, f"other {n}", _SYSTEMD_UNIT="app.service") for n in range(count)]
        rows[500:500] = [entry(500, f"ours {n}", _SYSTEMD_UNIT="k3s.service") for n in range(20)]
        data = write_journal(rows, per_array=4)
        tally = Tally("x.journal", 0)
        return calls(lambda: list(read_journal(io.BytesIO(data), tally)))

    assert effort(12_000) < 1.2 * effort(3_000) < 12_000


# ------------------------------------------------------------------------------------------------------ read on instead


def test_where_most_is_wanted_the_journal_is_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [entry(n, f"ours {n}", _SYSTEMD_UNIT="k3s.service") for n in range(3000)]
    assert same_both_ways(write_journal(rows), monkeypatch).places is None
    rows = [entry(n, f"line {n}", **(KERNEL if n % 3 else {})) for n in range(3000)]
    assert same_both_ways(write_journal(rows), monkeypatch).places is None
    rows = [entry(n, f"line {n}", UNIT=f"run-{n}.mount") for n in range(12_000)]  # one value for each entry
    assert same_both_ways(write_journal(rows), monkeypatch).places is None
    assert same_both_ways(write_journal(node(1000)), monkeypatch).places is None  # few


class Made:
    """A journal in which objects can be found and spoilt."""

    def __init__(self, rows: list[Entry], *, compact: bool = True) -> None:
        self.data = bytearray(write_journal(rows, compact=compact, per_array=4))
        self.head = 72 if compact else 64

    def value(self, payload: bytes) -> int:
        """The offset of the DATA object of ``KEY=value``."""
        return self._object(1, self.head, payload)

    def field(self, name: bytes) -> int:
        """The offset of the FIELD object of ``name``."""
        return self._object(2, 40, name)

    def get(self, at: int) -> int:
        return int(struct.unpack_from("<Q", self.data, at)[0])

    def put(self, at: int, number: int) -> None:
        struct.pack_into("<Q", self.data, at, number)

    def _object(self, kind: int, head: int, payload: bytes) -> int:
        wanted = struct.pack("<BB6xQ", kind, 0, head + len(payload))
        at = self.data.find(wanted)
        while self.data[at + head : at + head + len(payload)] != payload:
            at = self.data.index(wanted, at + 1)
        return at


UNIT, IDENT, BY_SYSTEMD = b"_SYSTEMD_UNIT=k3s.service", b"SYSLOG_IDENTIFIER=k3s", b"UNIT=k3s.service"
OLD = b"_SYSTEMD_UNIT=app-0.service"


def spoil(made: Made, what: str) -> None:
    """One piece of damage to the index."""
    table, unit, ident, by_systemd = made.get(120), made.value(UNIT), made.value(IDENT), made.value(BY_SYSTEMD)
    field, others = made.field(b"UNIT"), made.get(unit + 48)
    places: dict[str, tuple[int, int]] = {
        "no table": (120, 0),
        "table elsewhere": (120, 4096),
        "table larger": (128, 1 << 40),
        "one field more": (216, made.get(216) + 1),
        "old header": (88, 208),
        "bucket of nothing": (table + 16 * 3, 8),
        "field in a circle": (field + 24, field),
        "field renamed": (field + 40, int.from_bytes(b"UMIT\0\0\0\0", "little")),
        "values in a circle": (unit + 32, made.value(b"_SYSTEMD_UNIT=app-59.service")),
        "older values cut off": (made.value(b"UNIT=run-k3s-containerd-shm.mount") + 32, 0),
        "newer values cut off": (made.field(b"_SYSTEMD_UNIT") + 32, made.value(OLD)),
        "value of another field": (field + 32, unit),
        "value is none": (ident, 9),
        "one entry more": (unit + 56, made.get(unit + 56) + 1),
        "no entries": (unit + 56, 0),
        "no entries of what nothing else shows": (made.value(b"MESSAGE_ID=c7a787079b354eaaa9e77b371893cd27") + 56, 0),
        "first entry beside": (unit + 40, made.get(unit + 40) + 8),
        "first entry another": (by_systemd + 40, made.get(made.value(b"_HOSTNAME=node-1") + 40)),
        "no other entries": (unit + 48, 0),
        "others beyond the file": (unit + 48, 1 << 62),
        "others in a circle": (others + 16, others),
        "others not in order": (others + 24, 0),
        "arena beyond the file": (96, made.get(96) + 8),
        "all entries in a circle": (made.get(176) + 16, made.get(176)),
        "entries that are not there": (152, made.get(152) + 1),
    }
    made.put(*places[what])


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "what",
    ["no table", "table elsewhere", "table larger", "one field more", "old header", "bucket of nothing",
     "field in a circle", "field renamed", "values in a circle", "older values cut off", "newer values cut off",
     "value of another field", "value is none", "one entry more", "no entries",
     "no entries of what nothing else shows", "first entry beside", "first entry another", "no other entries",
     "others beyond the file", "others in a circle", "others not in order", "arena beyond the file",
     "all entries in a circle", "entries that are not there"],
)  # fmt: skip
def test_what_does_not_fit_is_read_from_end_to_end(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(node(1200))
    whole = read(bytes(made.data), monkeypatch)
    assert whole.places is not None
    spoil(made, what)
    reading = same_both_ways(bytes(made.data), monkeypatch)
    assert reading.places is None
    assert [row[1:5] for row in reading.rows] == [row[1:5] for row in whole.rows]


@pytest.mark.usefixtures("always")
def test_a_writer_that_was_killed_has_not_listed_its_last_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made([*node(1200), entry(1200, "the last", SYSLOG_IDENTIFIER="systemd", UNIT="k3s.service")])
    at = made.value(b"UNIT=k3s.service")
    count, array_at = made.get(at + 56), made.get(at + 48)
    made.put(at + 56, count - 1)
    places = count - 1
    room = 4
    while places > room:
        places, room, array_at = places - room, room * 2, made.get(array_at + 16)
    struct.pack_into("<I", made.data, array_at + 24 + 4 * (places - 1), 0)
    reading = same_both_ways(bytes(made.data), monkeypatch)
    assert reading.places is None and reading.rows[-1][0] == 1201


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("compact", [True, False])
def test_a_journal_cut_off_anywhere(compact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_journal(node(300, 10), compact=compact)
    for place in random.Random(1).sample(range(272, len(data)), 60):
        assert same_both_ways(data[:place], monkeypatch).places is None


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(8))
def test_damage_anywhere_loses_nothing_that_reading_on_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    data = write_journal(node(400, 10), compact=seed % 2 == 0, per_array=4)
    truth = {row[1]: row[2:6] for row in read(data, monkeypatch, by_index=False).rows}
    used = 0
    for _ in range(25):
        spoilt = bytearray(data)
        if rng.random() < 0.3:
            at = rng.randrange(272, len(data))
            spoilt[at : at + 256] = bytes(len(spoilt[at : at + 256]))
        else:
            for _ in range(rng.choice((1, 2, 5, 20))):
                spoilt[rng.randrange(88, len(data))] ^= 1 << rng.randrange(8)
        index, walk = (read(bytes(spoilt), monkeypatch, by_index=way) for way in (True, False))
        if index.places is None:
            assert index == walk
            continue
        used += 1
        found, read_on = ({row[1]: row[2:7] for row in way.rows} for way in (index, walk))
        # A damaged entry of another program may seem to be one of k3s where the one before it is read too far.
        assert {seqnum: row for seqnum, row in read_on.items() if seqnum in truth}.items() <= found.items()
        assert found.keys() - read_on.keys() <= truth.keys()
    assert used


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(10))
def test_rubbish_and_lies_end_quickly(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    made = Made(node(400))
    for at in (96, 120, 128, 152, 176, 216):
        if rng.random() < 0.3:
            made.put(at, rng.choice((0, 8, 272, 1 << 20, 1 << 62)))
    begin = made.get(120) if seed % 2 and 272 <= made.get(120) < 2000 else 3000
    made.data[begin : begin + 20_000] = b"".join(
        struct.pack("<QQ", rng.choice((1, 2, 3, 6)), 8 * rng.randrange(len(made.data) // 8)) for _ in range(1250)
    )
    assert calls(lambda: same_both_ways(bytes(made.data), monkeypatch)) < 200_000
