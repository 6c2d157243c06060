"""What a dataset of ``fleet --save`` says of itself, and which files it has."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from analyzer.collection.tables import PARTITION, TABLES
from analyzer.errors import BadInputError, printable
from analyzer.version import __version__

MANIFEST = "_k3slog.json"
SCHEMA, SCHEMA_VERSION = "k3slog.fleet_tables", 1
_LIMIT = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset says of itself: the user's labels that its tables have, and whether names are stand-ins."""

    labels: tuple[str, ...] = ()
    anonymized: bool = False

    def text(self) -> str:
        """As it is written."""
        told = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "k3slog", "version": __version__},
            "tables": list(TABLES),
            "labels": list(self.labels),
            "anonymized": self.anonymized,
        }
        return json.dumps(told, indent=2) + "\n"


def manifest_of(folder: Path) -> Manifest:
    """What the dataset in ``folder`` says of itself.

    Raises:
        BadInputError: it is not a dataset of ours, or of a version that this program does not read.
    """
    shown = printable(str(folder))
    try:
        with (folder / MANIFEST).open("rb") as file:
            said = json.loads(file.read(_LIMIT))
        labels, anonymized = said.get("labels"), said.get("anonymized")
        schema, version = said.get("schema"), said.get("schema_version")
    except FileNotFoundError:
        raise _missing(folder, shown) from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BadInputError(f"{shown}/{MANIFEST} cannot be read", hint="Was the folder changed?") from error
    if schema != SCHEMA:
        raise _foreign(shown)
    if type(version) is not int or version != SCHEMA_VERSION:
        raise BadInputError(
            f"{shown} has version {str(version)[:20]} of the tables; this program reads version {SCHEMA_VERSION}",
            hint="Read the logs again, with --save and another folder",
        )
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise BadInputError(f"{shown}/{MANIFEST} names no labels", hint="Was the folder changed?")
    return Manifest(tuple(labels), anonymized is True)


def beside(folder: Path) -> tuple[Path, Path]:
    """The folders that a run uses beside a dataset: the one that it writes, and where the old one is for a moment."""
    new, old = (folder.with_name(f".{folder.name}.k3slog-{name}") for name in ("new", "old"))
    return new, old


def _missing(folder: Path, shown: str) -> BadInputError:
    if not folder.exists() and folder.name and beside(folder)[1].exists():
        said = f"the run that wrote {shown} ended while it was put in its place"
        return BadInputError(said, hint="The next run with --save and --resume repairs it")
    return _foreign(shown)


def _foreign(shown: str) -> BadInputError:
    return BadInputError(f"{shown} was not made by `k3slog fleet --save`", hint="Name another folder")


def is_saved(folder: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder that ``fleet --save`` wrote."""
    return os.path.isfile(os.path.join(folder, MANIFEST))


def files(folder: Path) -> list[Path]:
    """The files of a dataset's tables, as paths in it, in order."""
    found: list[Path] = []
    for table in TABLES.values():
        pattern = f"{PARTITION}=*/part-*.parquet" if table.by_release else "part-*.parquet"
        found += sorted(path.relative_to(folder) for path in (folder / table.name).glob(pattern))
    return found
