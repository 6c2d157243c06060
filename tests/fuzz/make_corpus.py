"""Write ``tests/fuzz/corpus`` anew: lines of every carrier and short exports, from our own recordings and generator.

    .venv/bin/python -m tests.fuzz.make_corpus

The binary seeds (journals, archives, packed files) are made from these when the target runs: they need no place here.
"""

from __future__ import annotations

import gzip
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
PER_CARRIER = 10  # lines
LONGEST = 400  # bytes
TELLING = (  # words of lines that decide something: some of each, from whatever holds them
    b"Polling for API server", b"[-]", b"healthz check failed", b"Trace[", b"panic: ", b"goroutine ", b"level=fatal",
    b"Main process exited", b"Scheduled restart", b"is now running", b"Starting k3s v", b"Starting rke2 v", b'"ts":"',
    b"status unchanged", b"Suppressed ", b"F1123", b"apply request took too long", b"signal received", b"Slow SQL",
)  # fmt: skip
PER_WORD = 5
RECORDED = ("1324-killed-thrice", "1303-wrong-token", "1324-cri-missing", "1324-fresh-full")


def spread(rows: list[bytes], count: int, longest: int = LONGEST) -> list[bytes]:
    """``count`` of the rows, evenly, shortened."""
    step = max(1, len(rows) // count)
    return [row[:longest] for row in rows[::step][:count] if row.strip()]


def main() -> None:
    from analyzer.testing import CARRIERS, NAMED, generate, named
    from tests.kit.score_recorded import RECORDED as FOLDER, carrier_bytes

    CORPUS.mkdir(exist_ok=True)
    lines: list[bytes] = []
    for name in RECORDED:
        for carrier in ("short", "cat"):
            lines += spread(carrier_bytes(FOLDER / f"{name}.export.gz", carrier).split(b"\n"), 30)
    everything = b"\n".join(carrier_bytes(path, "short") for path in sorted(FOLDER.glob("*.export.gz")))
    everything += b"\n".join(generate(named(name), seed=1).render("cat") for name in NAMED)
    rows = everything.split(b"\n")
    for word in TELLING:
        lines += spread([row for row in rows if word in row[:LONGEST]], PER_WORD)
    for number, carrier in enumerate(CARRIERS):
        scenario = ("slow-rbac-one-core", "crash-loop-until-roles", "rke2-server")[number % 3]
        made = generate(named(scenario), seed=number + 1).render(carrier)
        lines += spread(made.split(b"\n"), PER_CARRIER)
    for path in sorted((ROOT / "tests/data/carriers").rglob("*")):
        if path.is_file() and path.suffix not in (".gz", ".xz", ".md", ".py"):
            lines += spread(path.read_bytes().split(b"\n"), 4)
    unique = dict.fromkeys(line.replace(b"\r", b"") for line in lines)
    (CORPUS / "lines.txt.gz").write_bytes(gzip.compress(b"\n".join(unique) + b"\n", 9, mtime=0))
    export = carrier_bytes(FOLDER / "1324-killed-thrice.export.gz", "export").split(b"\n\n")
    few = [entry for entry in export if len(entry) < 900]
    (CORPUS / "small.export.gz").write_bytes(gzip.compress(b"\n\n".join(spread(few, 60, 900)) + b"\n\n", 9, mtime=0))
    print(len(unique), "lines,", sum(p.stat().st_size for p in CORPUS.iterdir()), "bytes")


if __name__ == "__main__":
    main()
