"""The generated part of ``sample_logs``: ``python -m analyzer.testing.samples [DIR]`` writes it anew, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path

from analyzer.errors import OutputError
from analyzer.testing.generator import Generated, generate
from analyzer.testing.scenarios import named

# Scenario, carrier, seed. The text carriers are for people to read; the others show that they are read as well.
SAMPLES: tuple[tuple[str, str, int], ...] = (
    ("healthy-sqlite", "short", 1),
    ("slow-rbac-one-core", "short", 1),
    ("crash-loop-until-roles", "short", 1),
    ("etcd-three-servers", "short-iso-precise", 1),
    ("agent-waits", "short", 1),
    ("legacy-1.28", "short-precise", 1),
    ("stuck-15-minutes", "short", 1),
    ("rke2-server", "short", 1),
    ("verbose-health", "cat", 1),
    ("binding-removed", "short-full", 1),
    ("datastore-stall", "export", 1),
    ("cut-body", "json", 1),
    ("starved", "short-precise", 1),
    ("kolkata", "short-iso", 1),
    ("stop-before-ready", "short", 1),
    ("copied-too-early", "short", 1),
)


def made(name: str, seed: int) -> Generated:
    """The journal of one sample."""
    return generate(named(name), seed)


def files() -> dict[str, bytes]:
    """Names and bytes of all generated files of the folder."""
    out: dict[str, bytes] = {}
    for name, carrier, seed in SAMPLES:
        out |= made(name, seed).files((carrier,))
    return out


def main(arguments: list[str]) -> int:
    """Write the files into the folder named (default ``sample_logs``), replacing those of the same names.

    :raises OutputError: the folder does not exist.
    """
    folder = Path(arguments[0] if arguments else "sample_logs")
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", hint="Run this in the project's folder, or name one")
    for name, carrier, seed in SAMPLES:
        for path in made(name, seed).write(folder, (carrier,), force=True):
            print(f"Wrote {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
