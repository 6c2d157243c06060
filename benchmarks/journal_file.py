"""How fast binary journals are read: ``python benchmarks/journal_file.py [ENTRIES]``.

Writes a journal of a node (one entry in ten is of k3s) and one of k3s alone into memory, and reads each whole and
through the choice of what concerns k3s. Then one of twice as many entries, of which 107 are of k3s, by its index and
from end to end, and what ``k3slog analyze`` takes for it beyond those 107 alone. Peak memory is that of the process,
the files (in memory) included.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from analyzer.records.carriers.binary_journal import read_journal
from analyzer.records.carriers.journal_fields import TEXT_KEYS
from analyzer.records.draft import Tally
from analyzer.sources import journal_file
from analyzer.sources.journal_choice import Choice
from analyzer.sources.journal_file import JournalFile
from tests.kit.journal_writer import Entry, write_journal

T0 = 1_740_809_010_000_000
FEW = 107
RUNS = 5
SHARED = tuple(f"_FIELD_{n}" for n in range(12))


def entries(count: int, one_in: int) -> Iterator[Entry]:
    """Twenty fields each, as journald writes them: only the text and one stamp are new in every entry."""
    for n in range(count):
        ours = n % one_in == 0
        unit = "k3s.service" if ours else f"app-{n % 40}.service"
        yield Entry(
            T0 + n * 1000,
            n * 1000,
            (
                (
                    "MESSAGE",
                    b'I0301 06:03:33.020255    1193 file.go:%d] "A text of a usual length" n="%d"' % (n % 900, n),
                ),
                ("_SOURCE_REALTIME_TIMESTAMP", b"%d" % (T0 + n * 1000)),
                ("_SYSTEMD_UNIT", unit.encode()),
                ("SYSLOG_IDENTIFIER", b"k3s" if ours else b"app"),
                ("_PID", b"%d" % (700 + n % 40)),
                ("_HOSTNAME", b"node-1"),
                ("PRIORITY", b"6"),
                ("_TRANSPORT", b"stdout"),
                *((key, b"the same in every entry") for key in SHARED),
            ),
        )


def seconds(run: Callable[[], object], who: int = resource.RUSAGE_SELF) -> float:
    """The least processor time of several runs: the machine may have other work."""

    def used() -> float:
        usage = resource.getrusage(who)
        return usage.ru_utime + usage.ru_stime

    times = []
    for _ in range(RUNS):
        begun = used()
        run()
        times.append(used() - begun)
    return min(times)


def few_of_many(count: int) -> None:
    """A journal in which little is wanted: by its index, from end to end, and by the command."""
    one_in = count // FEW
    rows = (entry for n, entry in enumerate(entries(count, one_in)) if n % one_in or n < FEW * one_in)
    alone = (entry for entry in entries(count, one_in) if ("SYSLOG_IDENTIFIER", b"k3s") in entry.fields)
    with tempfile.TemporaryDirectory() as folder:
        node, small = Path(folder) / "node.journal", Path(folder) / "alone.journal"
        node.write_bytes(write_journal(rows, per_array=4))
        small.write_bytes(write_journal(list(alone)[:FEW], per_array=4))

        def chosen() -> None:
            with node.open("rb") as file:
                assert sum(1 for _ in JournalFile(file).entries(TEXT_KEYS, Choice())) == FEW

        def command(path: Path) -> None:
            arguments = [sys.executable, "-m", "analyzer.cli.main", "analyze", str(path)]
            root = Path(__file__).parent.parent
            subprocess.run(arguments, check=True, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        print(f"{FEW} of {count:,} entries, {node.stat().st_size >> 20} MiB{'CPU s':>25}")
        print(f"{'chosen entries, by the index':<56}{seconds(chosen):>8.3f}")
        by_index, journal_file.wanted_places = journal_file.wanted_places, lambda *_: None
        print(f"{'chosen entries, from end to end':<56}{seconds(chosen):>8.3f}")
        journal_file.wanted_places = by_index
        children = resource.RUSAGE_CHILDREN
        print(f"{'k3slog analyze, the whole journal':<56}{seconds(lambda: command(node), children):>8.3f}")
        print(f"{'k3slog analyze, those entries alone':<56}{seconds(lambda: command(small), children):>8.3f}")


def main() -> None:
    """Print one line per way of reading."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print(f"{'journal':<26}{'read as':<30}{'CPU s':>8}{'entries/s':>12}")
    for name, one_in, compact in (
        ("k3s alone", 1, True),
        ("k3s alone, not compact", 1, False),
        ("a node, 10 % k3s", 10, True),
    ):
        data = write_journal(entries(count, one_in), compact=compact, per_array=4096)
        for way in ("all fields", "fields that are needed", "chosen entries", "drafts"):
            begun = time.process_time()  # the machine may have other work
            if way == "drafts":
                tally = Tally(name, 0)
                for _ in read_journal(io.BytesIO(data), tally):
                    pass
                met = tally.lines
            else:
                journal = JournalFile(io.BytesIO(data))
                choice = Choice() if way == "chosen entries" else None
                for _ in journal.entries(None if way == "all fields" else TEXT_KEYS, choice):
                    pass
                met = journal.entries_met
            took = time.process_time() - begun
            assert met == count
            print(f"{name:<26}{way:<30}{took:>8.2f}{met / took:>12,.0f}")
    few_of_many(2 * count)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")


if __name__ == "__main__":
    main()
