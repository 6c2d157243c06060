"""What the user named, as inputs one after the other: files, folders, patterns, archives, support bundles, stdin.

In a folder or an archive only logs are taken, by name and by content (``log_choice.py``); what is left out is counted.
Archives are read in one pass, members as parts of the stream; nothing is unpacked to disk.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from analyzer.errors import BadInputError
from analyzer.ledger import Observer
from analyzer.sources.bundles import Bundles
from analyzer.sources.log_choice import left_out_by_content, left_out_by_name
from analyzer.sources.open_input import BEST_CAPTURE, LOGS_SHRINK, open_packed
from analyzer.sources.pod_files import OTHER_POD, other_pod, pod_of
from analyzer.sources.source import Input
from analyzer.sources.streams import Budget, LimitError, Stream, unpacked
from analyzer.sources.unpack import TAR_BLOCK, NoModuleError, archive_kind, is_damage, reason

if TYPE_CHECKING:
    from analyzer.sources.archive import Member

DEPTH_LIMIT = 12  # folders in folders
FILES_LIMIT = 20_000  # looked at in one folder
HEAD = 16 * 1024  # bytes by which a file is judged
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has none
_TELL_EVERY = 4 << 20
_MAGIC = frozenset("*?[")

PathLike = str | os.PathLike[str]


def expand_globs(paths: Iterable[PathLike], most: int | None = FILES_LIMIT) -> list[str]:
    """Names with ``*``, ``?`` or ``[`` that do not exist as such, replaced by what they match, in order of name.

    A pattern that matches nothing stays as it is: opening it gives the error. ``most`` matches of one are taken.
    """
    names: list[str] = []
    for path in paths:
        name = os.fspath(path)
        if name != "-" and _MAGIC & set(name) and not os.path.lexists(name):
            try:
                found = sorted(glob.glob(name, recursive=True))[:most]
            except (OSError, ValueError):
                found = []
            known = set(names)
            names += [match for match in found if match not in known] if found else [name]
        else:
            names.append(name)
    return names


@dataclass(frozen=True, slots=True)
class _Container:
    """A folder or an archive, whose files are looked at."""

    name: str  # what stands in front of the names of its files
    bundles: Bundles
    depth: int = 0  # how many archives it is in, itself counted
    budget: Budget | None = None  # of the outermost archive
    position: Callable[[], int] | None = None  # in bytes of the outermost archive
    total: int | None = None


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
                yield from self._made_elsewhere(path)
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

    def _made_elsewhere(self, given: Input) -> Iterator[Input]:
        if not given.unknown:
            yield given
            return
        try:
            raw = given.open()
            size: int | None = given.size if given.size is not None else getattr(raw, "size", None)
            for one in self._opened(given.name, Stream(raw), size):
                yield one if one.container else replace(one, pod=given.pod)
        except BadInputError as error:
            self.errors.append(error)

    # ------------------------------------------------------------------------------------------- what is named

    def _named(self, name: str) -> Iterator[Input]:
        if name == "-":
            if self._stdin is None:
                yield Input(name, open=_nothing)
            else:
                yield from self._opened("<stdin>", Stream(self._stdin, owned=False))
            return
        try:
            status = os.stat(name)
        except (OSError, ValueError):
            yield Input(name, open=lambda: open_file(name))  # opening it says what is wrong
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._whole(name, "a folder", self._folder(name))
        elif stat.S_ISREG(status.st_mode):
            yield from self._opened(name, Stream(open_file(name)), status.st_size, name)
        else:  # a pipe with a name
            yield from self._opened(name, Stream(open_file(name)))

    def _opened(self, name: str, outer: Stream, size: int | None = None, path: str | None = None) -> Iterator[Input]:
        """What the user named: an archive or a log. ``path``: that of a regular file, which can be opened again."""
        with outer:
            budget = self._budget(name, outer, size)
            stream = open_packed(name, outer, budget)
            kind = archive_kind(stream.peek(TAR_BLOCK))
            if kind is not None:
                container = _Container(name, Bundles(_stem(name)), 1, budget, outer.tell, size)
                members = self._archive(container, stream, kind, path if stream is outer else None)
                yield from self._whole(name, f"a {kind} archive", members)
                return
            if path is None:
                if size is None:
                    yield Input(name, open=lambda: stream)
                else:
                    expected = size if stream is outer else size * LOGS_SHRINK
                    yield Input(name, lambda: stream, expected, position=outer.tell, total=size)
                return
        yield Input(name, lambda: open_file(name), size, path, pod=pod_of(os.path.abspath(name)))

    def _budget(self, name: str, outer: Stream, size: int | None) -> Budget:
        def tell() -> None:
            if self._observer is not None and abs(budget.unpacked - self._told) >= _TELL_EVERY:
                self._told = budget.unpacked
                self._observer.progress(name, budget.packed() if size else budget.unpacked, size)

        budget = Budget(outer.tell, tell)
        return budget

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
        container = _Container(top, bundles)
        known: set[tuple[int, int]] = set()
        denied: list[str] = []
        for path in self._walk(top, 0, known, denied):
            inner = os.path.relpath(path, top).replace(os.sep, "/")
            self._seen += 1
            if self._seen > FILES_LIMIT:
                self.remarks.append((top, f"only the first {FILES_LIMIT} files of it were looked at"))
                break
            try:
                raw = open_member(path)
            except OSError as error:
                denied.append(f"{inner} ({reason(error)})")
                continue
            size = raw.seek(0, io.SEEK_END)
            raw.seek(0)
            with Stream(raw) as stream:
                if not bundles.learn(inner, stream):
                    yield from self._file(container, path, inner, stream, size, path)
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

    def _archive(
        self, container: _Container, stream: Stream, kind: str, path: str | None, inner: str = "the archive"
    ) -> Iterator[Input]:
        """Of the members of an archive. ``path``: of the zip archive when it is a file of its own."""
        from analyzer.sources import archive

        budget = container.budget
        assert budget is not None
        with contextlib.ExitStack() as files:
            try:
                if kind == "tar":
                    members = archive.tar_members(stream, budget)
                elif path is None:
                    members = archive.zip_members(self._in_memory(stream), budget)
                else:
                    file = files.enter_context(open_member(path))
                    whole = file.seek(0, io.SEEK_END)
                    budget.packed = lambda: whole
                    container = replace(container, position=file.tell)
                    members = archive.zip_members(file, budget)
                for member in members:
                    yield from self._member(container, member)
            except LimitError as error:
                if budget.ended and container.depth > 1:
                    raise  # the archive around it shares the budget
                self.remarks.append((self._container, f"reading {inner} stopped: {error}"))

    @staticmethod
    def _in_memory(stream: Stream) -> BinaryIO:
        from analyzer.sources import archive

        data = stream.peek(archive.ZIP_IN_MEMORY + 1)
        if len(data) > archive.ZIP_IN_MEMORY:
            raise LimitError(
                f"a zip archive of more than {archive.ZIP_IN_MEMORY >> 20} MiB can only be read from a file of its own"
            )
        return io.BytesIO(data)

    def _member(self, container: _Container, member: Member) -> Iterator[Input]:
        self._seen += 1
        inner = member.name.removeprefix("./")
        if member.stream is None:
            if left_out_by_name(inner) is None:
                self._refused.append(f"{inner} {member.why_not}")
        elif not container.bundles.learn(inner, member.stream):
            yield from self._file(container, f"{container.name}!{inner}", inner, member.stream, member.size)

    def _file(
        self, container: _Container, name: str, inner: str, outer: Stream, size: int | None, path: str | None = None
    ) -> Iterator[Input]:
        """The input behind one file of a folder or archive, those behind it if it is an archive, or none.

        ``inner`` is its name within ``container``; ``path`` that of a file on disk.
        """
        whole = os.path.abspath(path) if path is not None else inner
        why = container.bundles.unwanted(inner) or left_out_by_name(inner) or (OTHER_POD if other_pod(whole) else None)
        if why is not None:
            self.left_out[why] += 1
            return
        budget = container.budget or self._budget(name, outer, size)
        try:
            stream = unpacked(outer, budget)
            head = stream.peek(HEAD)
        except NoModuleError:
            self._refused.append(f"{inner} is packed with zstd (install k3slog[zstd])")
            return
        except Exception as error:
            if isinstance(error, LimitError) or not is_damage(error):
                raise
            self._refused.append(f"{inner} cannot be read: {reason(error)}")
            return
        kind = archive_kind(head)
        if kind is not None:
            if container.depth > 1:
                self._refused.append(f"{inner} is an archive in an archive in an archive")
                return
            within = _Container(
                name, Bundles(_stem(inner)), container.depth + 1, budget, container.position or outer.tell,
                container.total or size,
            )  # fmt: skip
            yield from self._archive(within, stream, kind, path if stream is outer else None, inner)
            return
        why = left_out_by_content(head)
        if why is not None:
            self.left_out[why] += 1
            return
        self._taken += 1
        yield Input(
            name, (lambda: open_member(path)) if path is not None else (lambda: stream), size, path,
            bundle=container.bundles.of(inner), container=self._container, position=container.position,
            total=container.total, pod=pod_of(whole),
        )  # fmt: skip


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


def open_member(path: str) -> BinaryIO:
    """A regular file of a folder, unbuffered; nothing can make this wait. Raises ``OSError``."""
    raw = open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | _NONBLOCK))  # noqa: SIM115
    status = os.fstat(raw.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size:
        return raw
    raw.close()
    if stat.S_ISREG(status.st_mode):  # as /proc/kmsg and the like are, too, whose readers wait for more
        return io.BytesIO()
    raise OSError("not a file any more")


def _nothing() -> BinaryIO:
    raise BadInputError("there is nothing on standard input", hint=f"Pipe a log into it: {BEST_CAPTURE}")


def _stem(name: str) -> str:
    base = os.path.basename(name)
    for end in (".gz", ".bz2", ".xz", ".zst", ".tgz", ".tar", ".zip"):
        base = base.removesuffix(end)
    return base
