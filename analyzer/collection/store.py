"""Writes the dataset of ``fleet --save``: Parquet files that are there whole or not at all.

Everything is written into a folder beside the dataset's, which takes its place by renames at the end. A crash at any
moment leaves the old dataset, or two folders that the next run puts right; files of an old dataset that stay are
linked, not copied. The same rows in the same order make the same bytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from analyzer.collection.manifest import MANIFEST, Manifest, beside, files, manifest_of
from analyzer.collection.model import Collection, InputRow, InputSpec, Labels
from analyzer.collection.read_saved import columns_without, read_inputs, read_saved
from analyzer.collection.tables import INPUTS, PARTITION, TABLES, UNKNOWN, input_table, partition_of, schema_of
from analyzer.collection.work import InputResult
from analyzer.errors import OutputError, UsageError, printable

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 16_384  # rows of one row group: what is held of a table at most, and what readers take at a time
HELD_BYTES = 32 * 1024 * 1024  # of all rows that wait for their group to be full
_JOINED = 64  # tables; many small ones take far more memory than their rows
OPEN_FILES = 200  # at a time; a process may have 256 on some systems

InputKey = tuple[str, int, int]  # name, size, mtime_ns


def unchanged(folder: str | os.PathLike[str]) -> dict[InputKey, InputRow]:
    """The inputs that a dataset holds and that were read without error, by name, size and time of the last change.

    An input whose size or time was not known is not among them: nothing shows that it is still the same.

    Raises:
        BadInputError: there is no dataset of ours, or it is damaged.
    """
    rows = read_inputs(Path(folder))
    return {(row.input, row.size, row.mtime_ns): row for row, _ in rows if not row.error and row.size and row.mtime_ns}


# ---------------------------------------------------------------- the writer


class Store:
    """A dataset being written, input by input; nothing of it is seen before ``commit``.

    ``labels`` are the names of all labels of the user. With ``resume`` the rows of an old dataset stay, but for those
    of inputs that are appended again; ``unchanged`` are the inputs that need not be. With ``force`` an old one is
    replaced. As a context manager it discards what was not committed.

    Raises:
        OutputError: the folder exists and may not be replaced, or nothing can be written there.
        BadInputError: it holds something else.
        UsageError: the old dataset has other labels, or stand-ins for names.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        labels: Iterable[str] = (),
        resume: bool = False,
        force: bool = False,
        anonymized: bool = False,
    ) -> None:
        self._place = _Place.of(folder)
        self._manifest = Manifest(tuple(labels), anonymized)
        with self._place.telling():
            self._lock: int | None = self._place.taken()
        try:
            with self._place.telling():
                self._place.repair()
                old = self._place.check(self._manifest, resume=resume, force=force)
                self._place.clear()
            self._old = self._place.folder if old and resume else None
            self._replaces = old and not resume
            self._inputs: dict[str, tuple[InputRow, Labels]] = {}
            self._kept: dict[str, tuple[InputRow, Labels]] = {}
            self.unchanged: dict[InputKey, InputRow] = {}
            if self._old is not None:
                self.unchanged = unchanged(self._old)
                self._kept = {row.input: (row, own) for row, own in read_inputs(self._old)}
            self._parts = _Parts(self._place.new, self._manifest.labels, self._first_numbers())
        except BaseException:
            with contextlib.suppress(OSError):
                shutil.rmtree(self._place.new)
            self._release()
            raise

    def holds(self, spec: InputSpec) -> bool:
        """Whether an input is in the old dataset just as it is now, with the labels that it has now."""
        same = (spec.name, spec.size, spec.mtime_ns) in self.unchanged
        return same and self._kept[spec.name][1] == spec.labels

    def kept(self, names: Container[str]) -> Collection:
        """What the old dataset holds of some inputs."""
        assert self._old is not None
        old = read_saved(self._old, lambda start: start.input in names)
        return replace(old, inputs=tuple(row for row in old.inputs if row.input in names))

    def append(self, result: InputResult) -> None:
        """The rows of the next input; an old one of its name is left out.

        Raises:
            OutputError: the disk is full, or nothing can be written.
        """
        name = result.row.input
        if name in self._inputs:
            raise ValueError(f"input {name!r} appended twice")
        with self._telling():
            self._inputs[name] = (result.row, result.spec.labels)
            for table in TABLES:
                if table in result.tables:
                    self._parts.add(table, result.tables[table])

    def commit(self, order: Sequence[str] | None = None) -> None:
        """Put the dataset in its place; ``order`` are the names of the inputs as ``inputs`` is to have them.

        Without it, or where it does not name them, old ones stand before new ones.

        Raises:
            OutputError: it cannot be; what was there before is still there.
        """
        if self._lock is None:
            raise ValueError("the dataset was committed or discarded already")
        with self._telling():
            self._parts.close()
            if self._old is not None:
                self._take_over(self._old)
            self._write_empty()
            self._write_inputs(order or ())
            _write(self._place.new / MANIFEST, self._manifest.text().encode())
            self._place.put()
        self._release()

    def commit_part(self, order: Sequence[str] | None = None) -> str:
        """As ``commit``, of a run that was interrupted; tells in words what became of it.

        It neither replaces a whole dataset, nor leaves one that ``resume`` could not make whole.
        """
        shown = printable(str(self._place.folder))
        if self._inputs and not self._replaces and not self._manifest.anonymized:
            self.commit(order)
            number = len(self._inputs)
            return f"{number} {'input is' if number == 1 else 'inputs are'} kept in {shown}. Add --resume to go on"
        self.discard()
        return f"{shown} is as it was before" if self._place.folder.exists() else "nothing is kept"

    def discard(self) -> None:
        """Leave things as they were."""
        if self._lock is None:
            return
        self._parts.abandon()
        with contextlib.suppress(OSError):
            shutil.rmtree(self._place.new)
        self._release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """What cannot be written ends it; nothing half-written stays."""
        try:
            with self._place.telling():
                yield
        except BaseException:
            self.discard()
            raise

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _first_numbers(self) -> dict[Path, int]:
        """By folder: the number of its first new file, behind those of the old dataset."""
        numbers: dict[Path, int] = {}
        for path in files(self._old) if self._old is not None else ():
            numbers[path.parent] = max(numbers.get(path.parent, 0), _number(path) + 1)
        return numbers

    def _take_over(self, old: Path) -> None:
        again = {name for name in self._kept if name in self._inputs}
        for path in files(old):
            if path.parts[0] == INPUTS.name:  # written anew
                continue
            target = self._place.new / path
            target.parent.mkdir(parents=True, exist_ok=True)
            left = columns_without(old / path, again) if again else None
            if left is None:
                _link(old / path, target)
            elif left.num_rows:
                _write_table(target, left)

    def _write_empty(self) -> None:
        """A table without rows is there as well, for whoever reads it."""
        there = {path.parts[0] for path in files(self._place.new)}
        for table in TABLES.values():
            if table.by_release and table.name not in there:
                target = self._place.new / table.name / f"{PARTITION}={UNKNOWN}" / _part(0)
                target.parent.mkdir(parents=True)
                _write_table(target, schema_of(table.name, self._manifest.labels).empty_table())

    def _write_inputs(self, order: Sequence[str]) -> None:
        all_ = self._kept | self._inputs
        names = list(dict.fromkeys([*(name for name in order if name in all_), *all_]))
        made = input_table([all_[name][0] for name in names], [all_[name][1] for name in names], self._manifest.labels)
        target = self._place.new / INPUTS.name / _part(0)
        target.parent.mkdir(exist_ok=True)
        _write_table(target, made)


# ---------------------------------------------------------------- the folder, and those beside it


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the dataset goes; ``new`` is written, ``old`` is what ``folder`` was for the moment of two renames."""

    folder: Path
    new: Path
    old: Path

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> _Place:
        target = Path(os.path.realpath(folder))
        if not target.name:
            raise UsageError("a dataset cannot replace the root folder", hint="Name a folder in it")
        return cls(target, *beside(target))

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Errors of the system as ``OutputError``."""
        try:
            yield
        except OSError as error:
            said = f"{printable(str(self.folder))} cannot be written: {error.strerror or error}"
            raise OutputError(said, hint="Nothing was changed there") from error

    def taken(self) -> int:
        """The folder that is written, locked for this run alone; a run that was killed holds no lock."""
        if not self.folder.parent.is_dir():
            raise OutputError(f"the folder of {printable(str(self.folder))} does not exist", hint="Create it first")
        while True:
            self.new.mkdir(exist_ok=True)
            lock = os.open(self.new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                said = f"another run is writing {printable(str(self.folder))}"
                raise OutputError(said, hint="Wait for it, or name another folder") from None
            except OSError:  # a file system without locks
                return lock
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), self.new.stat()):
                    return lock
            os.close(lock)  # the run that held it put it in its place meanwhile

    def repair(self) -> None:
        """Finish or undo the renames of a run that was killed between them."""
        if not self.old.exists():
            return
        if self.folder.exists():  # it was killed after them
            shutil.rmtree(self.old)
        else:
            os.rename(self.old, self.folder)

    def check(self, manifest: Manifest, *, resume: bool, force: bool) -> bool:
        """Whether there is an old dataset; raises where it may be neither continued nor replaced."""
        shown = printable(str(self.folder))
        try:
            mode = self.folder.stat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(mode):
            raise OutputError(f"{shown} is not a folder", hint="Name another one")
        if not any(self.folder.iterdir()):
            return False
        old = manifest_of(self.folder)
        if (other := self._not_ours()) is not None:
            said = f"{shown} also holds {printable(str(other))}, which is not of the dataset"
            raise OutputError(said, hint="Move it away first: the folder is replaced as a whole")
        if not resume:
            if not force:
                raise OutputError(f"{shown} exists", hint="Add --resume to continue it, --force to replace it")
            return True
        if old.anonymized or manifest.anonymized:
            raise UsageError(
                "names in an anonymized dataset do not say which inputs were read",
                hint="Leave out --resume, or --anonymize what you give away",
            )
        if old.labels != manifest.labels:
            had = ", ".join(map(printable, old.labels)) or "none"
            raise UsageError(f"{shown} has other labels ({had})", hint="Give the same, or --force without --resume")
        return True

    def _not_ours(self) -> Path | None:
        """A file in the old dataset that would be lost."""
        ours = {Path(MANIFEST), *files(self.folder)}
        found = (Path(top, name).relative_to(self.folder) for top, _, names in os.walk(self.folder) for name in names)
        return min((path for path in found if path not in ours), default=None)

    def clear(self) -> None:
        """Nothing of a run that was killed stays."""
        for path in self.new.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def put(self) -> None:
        """What was written takes the place of what was there."""
        _sync(self.new)
        if self.folder.exists():
            self.new.chmod(stat.S_IMODE(self.folder.stat().st_mode))
            os.rename(self.folder, self.old)
        try:
            os.rename(self.new, self.folder)
        except OSError:
            if self.old.exists():
                os.rename(self.old, self.folder)
            raise
        _sync(self.folder.parent)
        with contextlib.suppress(OSError):  # the next run does it
            if self.old.exists():
                shutil.rmtree(self.old)


# ---------------------------------------------------------------- files


@dataclass
class _Part:
    """The rows of one table and release: those that wait, and the file for full groups, once there are any."""

    waiting: list[pa.Table] = field(default_factory=list)
    small: int = 0  # how many at the end of these are of one input each
    rows: int = 0
    size: int = 0  # bytes
    file: IO[bytes] | None = None
    writer: Any = None
    number: int = 0

    def add(self, rows: pa.Table) -> None:
        import pyarrow as pa

        self.waiting.append(rows)
        self.small += 1
        if self.small >= _JOINED:
            self.waiting[-_JOINED:] = [pa.concat_tables(self.waiting[-_JOINED:]).combine_chunks()]
            self.small = 0
        self.rows += rows.num_rows
        self.size += rows.nbytes


class _Parts:
    """The files of all tables; which rows come into which group depends on the rows alone."""

    def __init__(self, folder: Path, labels: tuple[str, ...], numbers: dict[Path, int]) -> None:
        self._folder, self._labels, self._numbers = folder, labels, numbers
        self._parts: dict[Path, _Part] = {}

    def add(self, table: str, stream: bytes) -> None:
        import pyarrow as pa

        rows = pa.ipc.open_stream(stream).read_all()
        for release, of_it in _by_release(rows):
            where = Path(table, f"{PARTITION}={release}")
            part = self._parts.setdefault(where, _Part())
            part.add(_fitted(of_it, schema_of(table, self._labels)))
            while part.rows >= GROUP_ROWS:
                self._write(where, part, GROUP_ROWS)
        while sum(part.size for part in self._parts.values()) > HELD_BYTES:
            where, part = max(self._parts.items(), key=lambda item: item[1].size)
            self._write(where, part, part.rows)

    def close(self) -> None:
        for where, part in self._parts.items():
            if part.rows:
                self._write(where, part, part.rows)
            self._end(part)

    def abandon(self) -> None:
        for part in self._parts.values():
            with contextlib.suppress(Exception):  # what cannot be written cannot be ended properly either
                if part.writer is not None:
                    part.writer.close()
            part.writer = None
            with contextlib.suppress(OSError):
                if part.file is not None:
                    part.file.close()
        self._parts.clear()

    def _write(self, where: Path, part: _Part, count: int) -> None:
        import pyarrow as pa

        rows = pa.concat_tables(part.waiting)
        group, rest = rows.slice(0, count).combine_chunks(), rows.slice(count)
        part.waiting, part.rows, part.small = [rest] if rest.num_rows else [], rest.num_rows, 0
        part.size = rest.nbytes
        if part.writer is None:
            self._begin(where, part, group.schema)
        part.writer.write_table(group, row_group_size=GROUP_ROWS)

    def _begin(self, where: Path, part: _Part, schema: pa.Schema) -> None:
        is_open = [other for other in self._parts.values() if other.file is not None]
        if len(is_open) >= OPEN_FILES:
            self._end(is_open[0])
        number = self._numbers.get(where, 0)
        self._numbers[where] = number + 1
        path = self._folder / where / _part(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        part.file = path.open("xb")
        part.writer = _writer(part.file, schema)

    def _end(self, part: _Part) -> None:
        if part.writer is not None:
            part.writer.close()
            part.writer = None
        if part.file is not None:
            _close(part.file)
            part.file = None


def _by_release(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows by the minor of their start, in order of first sight; without the column that says so."""
    import pyarrow.compute as pc

    of_rows = rows[PARTITION]
    releases = of_rows.unique().to_pylist()
    for release in releases:
        part = rows if len(releases) == 1 else rows.filter(pc.equal(of_rows, release))
        yield partition_of(release), part.drop_columns([PARTITION])


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """With the columns of ``schema``: a label that an input does not have is missing in all of its rows."""
    import pyarrow as pa

    if rows.schema.equals(schema):
        return rows
    have = set(rows.column_names)
    if surplus := have - set(schema.names):
        raise ValueError(f"columns that the dataset does not have: {sorted(surplus)}")
    arrays = [rows[f.name] if f.name in have else pa.nulls(rows.num_rows, f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _writer(file: IO[bytes], schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(file, schema, compression="zstd", store_schema=False, write_page_checksum=True)


def _write_table(path: Path, rows: pa.Table) -> None:
    file = path.open("xb")
    try:
        writer = _writer(file, rows.schema)
        try:
            writer.write_table(rows.combine_chunks(), row_group_size=GROUP_ROWS)
        finally:
            writer.close()
    finally:
        _close(file)


def _write(path: Path, content: bytes) -> None:
    file = path.open("xb")
    try:
        file.write(content)
    finally:
        _close(file)


def _close(file: IO[bytes]) -> None:
    """Onto the disk before anything is renamed: else a power cut could leave empty files in its place."""
    try:
        file.flush()
        os.fsync(file.fileno())
    finally:
        file.close()


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _part(number: int) -> str:
    return f"part-{number:05}.parquet"


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("part-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
