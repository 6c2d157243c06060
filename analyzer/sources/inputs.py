"""What the user named, as inputs one after the other: files, folders, patterns, archives, support bundles, stdin.

In a folder or an archive only logs are taken, by name and by content (``choice.py``); what is left out is counted.
Archives are read in one pass, members as parts of the stream; nothing is unpacked to disk.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from analyzer.errors import BadInputError
from analyzer.ledger import Observer
from analyzer.sources import archive
from analyzer.sources.archive import ArchiveEndError, Budget, Member, Metered
from analyzer.sources.bundles import Bundles
from analyzer.sources.bytestream import BEST_CAPTURE, fill
from analyzer.sources.log_choice import left_out_by_content, left_out_by_name
from analyzer.sources.pod_files import OTHER_POD, other_pod, pod_of
from analyzer.sources.source import Input
from analyzer.sources.unpack import NoModuleError, is_damage, packed_as, reason, unpacked

DEPTH_LIMIT = 12  # folders in folders
FILES_LIMIT = 20_000  # looked at in one folder
HEAD = 16 * 1024  # bytes by which a file is judged
_BLOCK = 64 * 1024
_TELL_EVERY = 4 << 20
_MAGIC = frozenset("*?[")

PathLike = str | os.PathLike[str]


def expand_globs(paths: Sequence[PathLike]) -> list[str]:
    """Names with ``*``, ``?`` or ``[`` that do not exist as such, replaced by what they match, in order of name.

    A pattern that matches nothing stays as it is: opening it gives the error.
    """
    names: list[str] = []
    for path in paths:
        name = os.fspath(path)
        if name != "-" and _MAGIC & set(name) and not os.path.lexists(name):
            try:
                found = sorted(glob.glob(name, recursive=True))[:FILES_LIMIT]
            except (OSError, ValueError):
                found = []
            names += [match for match in found if match not in names] or ([] if found else [name])
        else:
            names.append(name)
    return names


class Replay(io.RawIOBase):
    """A stream whose beginning can be looked at: ``head(n)``, then ``rewind()`` once, then read it all."""

    def __init__(self, inner: BinaryIO, *, owned: bool = True) -> None:
        super().__init__()
        self._inner, self._owned = inner, owned
        self._kept: bytearray | None = bytearray()
        self._front = b""
        self._at = 0
        self.done = 0  # bytes taken from the stream below
        self.beside: BinaryIO | None = None  # a file that is read in its place, here and there

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        if self._at < len(self._front):
            data = self._front[self._at : self._at + len(view)]
            self._at += len(data)
        else:
            self._front = b"" if self._kept is None else self._front
            self._at = len(self._front)
            data = self._inner.read(len(view)) or b""
            self.done += len(data)
        if self._kept is not None:
            self._kept += data
        view[: len(data)] = data
        return len(data)

    def head(self, count: int) -> bytes:
        """Up to ``count`` bytes from here; damage behind them shows itself when it is read again."""
        return fill(self, count)  # type: ignore[arg-type]

    def position(self) -> int:
        """How far the stream below, or the file in its place, is read."""
        if self.beside is None or self.beside.closed:
            return self.done
        return self.beside.tell()

    def rewind(self, *, again: bool = False) -> None:
        """Back to the beginning; from now on nothing is kept any more, unless it is to be looked at ``again``."""
        self._front, self._at = bytes(self._kept or b"") + self._front[self._at :], 0
        self._kept = bytearray() if again else None

    def close(self) -> None:
        if not self.closed:
            if self._owned:
                self._inner.close()
            super().close()


class _Lent(io.RawIOBase):
    """A stream lent to a reader, which closes what it reads from when it is gone."""

    def __init__(self, inner: BinaryIO | Replay) -> None:
        super().__init__()
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        got: int = self._inner.readinto(buffer)  # type: ignore[union-attr]
        return got


class Inputs:
    """Iterable once over the inputs behind ``paths``; afterwards ``errors``, ``remarks`` and ``left_out`` are complete.

    ``remarks`` are ``(container, sentence)``: what a reader of the report should know about an archive or folder of
    which something was read. ``left_out`` counts files that are no logs, by reason. ``folders`` names what gave
    several inputs.
    """

    def __init__(
        self, paths: Sequence[PathLike | Input], *, stdin: BinaryIO | None = None, observer: Observer | None = None
    ) -> None:
        self.errors: list[BadInputError] = []
        self.remarks: list[tuple[str, str]] = []
        self.left_out: Counter[str] = Counter()
        self._paths, self._stdin, self._observer = paths, stdin, observer
        self._told = 0
        self._taken = 0  # inputs of the folder or archive under way
        self._seen = 0
        self._refused: list[str] = []
        self._container = ""

    def __iter__(self) -> Iterator[Input]:
        once: set[str] = set()
        for path in self._paths:
            if isinstance(path, Input):
                yield path
                continue
            for name in expand_globs([path]):
                if name == "-":
                    if name in once:
                        continue
                    once.add(name)
                try:
                    yield from self._named(name)
                except BadInputError as error:
                    self.errors.append(error)

    # ------------------------------------------------------------------------------------------- what is named

    def _named(self, name: str) -> Iterator[Input]:
        if name == "-":
            if self._stdin is not None:
                yield from self._stream("<stdin>", Replay(self._stdin, owned=False), None)
                return
            yield Input(name, open=_nothing)
            return
        try:
            status = os.stat(name)
        except (OSError, ValueError):
            yield Input(name, open=lambda: open_file(name))  # opening it says what is wrong
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._whole(name, "a folder", self._folder(name))
        elif stat.S_ISREG(status.st_mode):
            yield from self._file(name, status.st_size)
        else:  # a pipe with a name
            raw = open_file(name)
            yield from self._stream(name, Replay(raw), None)

    def _file(self, name: str, size: int) -> Iterator[Input]:
        with open_file(name) as raw:
            kind, packed = _named_container(Replay(raw, owned=False), name)
            if kind is not None:
                raw.seek(0)
                yield from self._archive(name, raw, kind, packed, size)
                return
        yield Input(name, open=lambda: open_file(name), size=size, path=name, pod=pod_of(os.path.abspath(name)))

    def _stream(self, name: str, replay: Replay, size: int | None) -> Iterator[Input]:
        kind, packed = _named_container(replay, name)
        replay.rewind()
        if kind is not None:
            with replay:
                yield from self._archive(name, replay, kind, packed, size)  # type: ignore[arg-type]
            return
        yield Input(name, open=lambda: replay, size=size, owned=replay._owned)  # type: ignore[arg-type,return-value]

    def _whole(self, name: str, what: str, inputs: Iterator[Input]) -> Iterator[Input]:
        """The inputs of one folder or archive; one without anything usable is an error."""
        self._taken = self._seen = 0
        self._refused = []
        self._container = name
        marks = len(self.remarks)
        try:
            yield from inputs
        finally:
            refused = self._refused
            if refused and self._taken:
                more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
                self.remarks.append((name, f"not read: {', '.join(refused[:3])}{more}"))
        if not self._taken:
            why = [text for _, text in self.remarks[marks:]] or self._refused[:3]
            del self.remarks[marks:]
            files = f"{self._seen} file{'s' if self._seen != 1 else ''} looked at"
            raise BadInputError(
                f"{name} is {what} without a log that can be read ({'; '.join([files, *why])})",
                hint="Name the log file itself if it is there",
            )

    # ------------------------------------------------------------------------------------------------ folders

    def _folder(self, top: str) -> Iterator[Input]:
        bundles = Bundles(os.path.basename(os.path.abspath(top)))
        known: set[tuple[int, int]] = set()
        denied: list[str] = []
        for path in self._walk(top, 0, known, denied):
            inner = os.path.relpath(path, top).replace(os.sep, "/")
            self._seen += 1
            if self._seen > FILES_LIMIT:
                self.remarks.append((top, f"only the first {FILES_LIMIT} files of it were looked at"))
                break
            try:
                raw = open(path, "rb", buffering=0)  # noqa: SIM115  closed below
            except OSError as error:
                denied.append(f"{inner} ({reason(error)})")
                continue
            with raw:
                if bundles.learn(inner, raw):
                    continue
                size = os.fstat(raw.fileno()).st_size
                yield from self._candidate(path, inner, Replay(raw, owned=False), size, bundles, path=path)
        if denied:
            more = f" and {len(denied) - 1} more" if len(denied) > 1 else ""
            error_ = BadInputError(
                f"{top}: {denied[0]}{more} could not be opened",
                hint="Run as root or a member of adm or systemd-journal",
            )
            if not self._taken:
                self._taken = -1  # this error says it all
            self.errors.append(error_)

    def _walk(self, folder: str, depth: int, known: set[tuple[int, int]], denied: list[str]) -> Iterator[str]:
        try:
            status = os.stat(folder)
            entries = sorted(os.listdir(folder))
        except OSError as error:
            denied.append(f"{os.path.basename(folder)} ({reason(error)})")
            return
        if (status.st_dev, status.st_ino) in known or depth > DEPTH_LIMIT:
            return  # a link back to where we are
        known.add((status.st_dev, status.st_ino))
        below: list[str] = []
        for entry in entries:
            path = os.path.join(folder, entry)
            try:
                status = os.stat(path)
            except (OSError, ValueError):
                continue  # a link to nowhere
            if stat.S_ISDIR(status.st_mode):
                below.append(path)
            elif stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in known:
                known.add((status.st_dev, status.st_ino))
                yield path
        for path in below:
            if not os.path.basename(path).startswith("."):
                yield from self._walk(path, depth + 1, known, denied)

    # ------------------------------------------------------------------------------------------------ archives

    def _archive(self, name: str, raw: BinaryIO, kind: str, packed: str | None, size: int | None) -> Iterator[Input]:
        counted = Replay(raw, owned=False)
        counted.rewind()
        budget = Budget(lambda: counted.done)
        budget.tell = lambda: self._tell(name, budget, size)
        yield from self._whole(name, f"a {kind} archive", self._members(name, counted, raw, kind, packed, budget, size))

    def _members(
        self, name: str, counted: Replay, raw: BinaryIO, kind: str, packed: str | None, budget: Budget, size: int | None
    ) -> Iterator[Input]:
        bundles = Bundles(_stem(name))
        try:
            for member in self._of(counted, raw, kind, packed, budget):
                yield from self._member(name, member, budget, bundles, counted, size, nested=False)
        except ArchiveEndError as error:
            self.remarks.append((self._container, f"reading the archive stopped: {error}"))
        except NoModuleError:
            self.remarks.append((self._container, "it is packed with zstd: install k3slog[zstd]"))

    def _of(
        self, stream: Replay, raw: BinaryIO | None, kind: str, packed: str | None, budget: Budget
    ) -> Iterator[Member]:
        """Members of one archive. Raises ``ArchiveEndError`` for damage and limits, ``NoModuleError``."""
        if kind == "zip":
            file = raw if raw is not None and raw.seekable() else self._in_memory(stream)
            if file is raw:
                whole = os.fstat(raw.fileno()).st_size
                budget.packed = lambda: whole
                stream.beside = file
            yield from archive.zip_members(file, budget)
            return
        source: BinaryIO = io.BufferedReader(_Lent(stream), _BLOCK)
        if packed is not None:
            source = Metered(unpacked(packed, source), budget)  # type: ignore[assignment]
        yield from archive.tar_members(source, budget)

    def _in_memory(self, stream: Replay) -> BinaryIO:
        data = stream.head(archive.ZIP_IN_MEMORY + 1)
        if len(data) > archive.ZIP_IN_MEMORY:
            raise ArchiveEndError(
                f"a zip archive of more than {archive.ZIP_IN_MEMORY >> 20} MiB can only be read from a file of its own"
            )
        return io.BytesIO(data)

    def _member(
        self,
        name: str,
        member: Member,
        budget: Budget,
        bundles: Bundles,
        counted: Replay,
        total: int | None,
        *,
        nested: bool,
    ) -> Iterator[Input]:
        self._seen += 1
        inner = member.name.removeprefix("./")
        shown = f"{name}!{inner}"
        if member.stream is None:
            if left_out_by_name(inner) is None:
                self._refused.append(f"{inner} {member.why_not}")
            return
        stream: BinaryIO = Metered(member.stream, budget)  # type: ignore[assignment]
        if bundles.learn(inner, stream):
            return
        yield from self._candidate(
            shown, inner, Replay(stream), member.size, bundles, budget=budget, counted=counted, total=total,
            nested=nested,
        )  # fmt: skip

    def _nested(
        self, shown: str, inner: str, replay: Replay, raw: BinaryIO | None, kind: str, packed: str | None,
        budget: Budget, counted: Replay | None, total: int | None,
    ) -> Iterator[Input]:  # fmt: skip
        bundles = Bundles(_stem(inner))
        try:
            for member in self._of(replay, raw, kind, packed, budget):
                yield from self._member(shown, member, budget, bundles, counted or replay, total, nested=True)
        except ArchiveEndError as error:
            if budget.ended and counted is not None:
                raise  # the archive around it shares the budget
            self.remarks.append((self._container, f"reading {inner} stopped: {error}"))

    def _candidate(
        self, shown: str, inner: str, replay: Replay, size: int | None, bundles: Bundles, *,
        path: str | None = None, budget: Budget | None = None, counted: Replay | None = None, total: int | None = None,
        nested: bool = False,
    ) -> Iterator[Input]:  # fmt: skip
        """The input behind one file of a folder or archive, those behind it if it is an archive, or none."""
        whole = os.path.abspath(path) if path is not None else inner
        why = bundles.unwanted(inner) or left_out_by_name(inner) or (OTHER_POD if other_pod(whole) else None)
        if why is not None:
            self.left_out[why] += 1
            return
        meter = budget or Budget(lambda: replay.done)
        try:
            kind, packed = _container(replay)
            replay.rewind(again=True)
            if kind is not None:
                if nested:
                    self._refused.append(f"{inner} is an archive in an archive in an archive")
                    return
                replay.rewind()
                if budget is None:
                    meter.tell = lambda: self._tell(shown, meter, size)
                with open_file(path) if path is not None else contextlib.nullcontext() as raw:
                    yield from self._nested(shown, inner, replay, raw, kind, packed, meter, counted, total or size)
                return
            if packed is not None:
                replay.rewind()
                opened = Metered(unpacked(packed, io.BufferedReader(replay, _BLOCK)), meter)
                replay = Replay(opened)  # type: ignore[arg-type]
            head = replay.head(HEAD)
        except NoModuleError:
            self._refused.append(f"{inner} is packed with zstd (install k3slog[zstd])")
            return
        except Exception as error:
            if not is_damage(error):
                raise
            if isinstance(error, ArchiveEndError):
                raise
            self._refused.append(f"{inner} cannot be read: {reason(error)}")
            return
        why = left_out_by_content(head)
        if why is not None:
            self.left_out[why] += 1
            return
        self._taken += 1
        replay.rewind()
        position = None if counted is None else counted.position
        opener = (lambda: open_file(path)) if path is not None else (lambda: replay)
        yield Input(
            shown, opener, size, path, bundle=bundles.of(inner), container=self._container, position=position,  # type: ignore[arg-type]
            total=total, pod=pod_of(whole),
        )  # fmt: skip

    def _tell(self, name: str, budget: Budget, size: int | None) -> None:
        if self._observer is not None and abs(budget.unpacked - self._told) >= _TELL_EVERY:
            self._told = budget.unpacked
            self._observer.progress(name, budget.packed() if size else budget.unpacked, size)


def expand(
    paths: Sequence[PathLike | Input], *, stdin: BinaryIO | None = None, observer: Observer | None = None
) -> Inputs:
    """The inputs behind ``paths``, see ``Inputs``. ``"-"`` is ``stdin``, once."""
    return Inputs(paths, stdin=stdin, observer=observer)


def open_file(name: str) -> BinaryIO:
    """A file for reading, unbuffered. Raises ``BadInputError`` with what to do about it."""
    try:
        return open(name, "rb", buffering=0)
    except FileNotFoundError:
        raise BadInputError(f"{name} does not exist", hint="Check the path") from None
    except PermissionError:
        raise BadInputError(
            f"{name} may not be read by this user", hint="Run as root or a member of adm or systemd-journal"
        ) from None
    except (OSError, ValueError) as error:
        raise BadInputError(f"{name} cannot be opened: {reason(error)}", hint="Check the path") from None


def _nothing() -> BinaryIO:
    raise BadInputError("there is nothing on standard input", hint=f"Pipe a log into it: {BEST_CAPTURE}")


def _named_container(replay: Replay, name: str) -> tuple[str | None, str | None]:
    try:
        return _container(replay)
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {reason(error)}", hint="Check the path") from None


def _container(replay: Replay) -> tuple[str | None, str | None]:
    """``("tar" | "zip" | None, how it is packed)`` by the first bytes; the stream is to be rewound afterwards."""
    head = replay.head(archive.BLOCK)
    packed = packed_as(head)
    if packed is None:
        return ("zip" if archive.looks_like_zip(head) else "tar" if archive.looks_like_tar(head) else None), None
    replay.rewind(again=True)
    try:
        head = fill(unpacked(packed, io.BufferedReader(_Lent(replay), 4096)), archive.BLOCK)
    except NoModuleError:
        return None, packed
    except Exception as error:
        if not is_damage(error):
            raise
        return None, packed  # whoever reads it says what is wrong
    return ("tar" if archive.looks_like_tar(head) else None), packed


def _stem(name: str) -> str:
    base = os.path.basename(name)
    for end in (".gz", ".bz2", ".xz", ".zst", ".tgz", ".tar", ".zip"):
        base = base.removesuffix(end)
    return base
