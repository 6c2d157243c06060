"""What a user names, as the inputs of a collection.

One input is a file with its rotations in the same folder (``names.py``), a support bundle (an archive, or a folder with
the layout of one), a set of journal files, or a JSON report. Every other file is an input of its own. Nothing else
beside an input changes what it is.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Literal

from analyzer.collection import remote
from analyzer.collection.labels import LabelRules
from analyzer.collection.model import InputSpec
from analyzer.collection.names import File, Group, grouped, left_out_by_path
from analyzer.errors import BadInputError, UsageError
from analyzer.sources.inputs import DEPTH_LIMIT, FILES_LIMIT, HEAD, expand_globs, open_file, open_member
from analyzer.sources.log_choice import left_out_by_content
from analyzer.sources.open_input import open_packed, utf16
from analyzer.sources.source import Input
from analyzer.sources.streams import Budget, Stream, unpacked
from analyzer.sources.unpack import TAR_BLOCK, archive_kind, is_damage, packed_as, reason

# Such a file is one of the user's logs, whatever is in it: that it cannot be read must be said.
_PROMISING = re.compile(r"(?i)k3s|rke2|\.(?:export|journal)(?:\.(?:gz|xz|bz2|zst))?$")
SAVED = "_k3slog.json"  # lies in a folder that ``fleet --save`` wrote
STDIN = "-"
Kind = Literal["log", "report"]

_REPORT_WITHIN = 4096  # bytes
_REPORT = re.compile(rb"\s{0,64}\{.*\"schema\"\s{0,8}:\s{0,8}\"k3slog\.report\"", re.DOTALL)
_POLLS = re.compile(rb"\s{0,64}\{[^\n]*\"schema\"\s{0,8}:\s{0,8}\"k3slog\.polls\"")
_JSON_NAME = re.compile(r"\.json(?:\.(?:gz|bz2|xz|zst))?(?:\?|$)", re.IGNORECASE)


def saved_folders(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """``(saved, rest)``: the folders that ``fleet --save`` wrote, and everything else, patterns replaced."""
    saved: list[str] = []
    rest: list[str] = []
    for name in _expanded(paths):
        (saved if name != STDIN and not remote.is_url(name) and _is_saved(name) else rest).append(name)
    return saved, rest


def specs(paths: Sequence[str], labels: LabelRules, left_out: Counter[str] | None = None) -> Iterator[InputSpec]:
    """The inputs behind ``paths``, in the order of ``paths`` and then of names; no two have the same name.

    What is missing or cannot be listed is an input, too, so that reading it tells what is wrong. Saved folders are
    passed over. ``left_out`` counts the files of folders that are no logs, by reason.

    Raises ``UsageError`` at once for standard input beside others, on the way for URLs that nothing installed reads.
    """
    names = _expanded(paths)
    if STDIN in names and len(set(names)) > 1:
        raise UsageError("standard input (-) goes with no other input", hint="Save it to a file first")
    return _named_once(_specs(names, labels, Counter() if left_out is None else left_out))


def readable(spec: InputSpec) -> list[str | Input]:
    """The files of an input as ``pipeline.read`` takes them: names, and streams of what lies elsewhere."""
    return [remote.as_input(file) if remote.is_url(file) else file for file in spec.files]


def kind_of(spec: InputSpec) -> Kind:
    """What an input is; what lies elsewhere is looked into only here, where it is read.

    Raises what ``remote.open_stream`` raises.
    """
    [file, *others] = spec.files
    if file == STDIN:
        peek = getattr(standard_input(), "peek", None)
        return "report" if peek is not None and _is_report(peek(_REPORT_WITHIN)) else "log"
    if spec.kind == "report" or others or not remote.is_url(file) or _JSON_NAME.search(file[:]) is None:
        return spec.kind
    with Stream(remote.open_stream(file)) as stream:
        try:
            head = unpacked(stream, Budget(stream.tell)).peek(_REPORT_WITHIN)
        except Exception:
            return "log"  # reading it says what is wrong
    return "report" if _is_report(head) else "log"


def standard_input() -> BinaryIO | None:
    """What is piped into this process; ``None`` where the shell closed it."""
    return None if sys.stdin is None else sys.stdin.buffer


class _Named(Stream):
    """A stream that has a name, and whose damage is a ``BadInputError``."""

    name = ""

    def _take(self, view: memoryview) -> int:
        try:
            return super()._take(view)
        except Exception as error:
            if not is_damage(error):
                raise
            raise BadInputError(f"{self.name} cannot be read: {reason(error)}", hint="Copy it again") from None


def open_report(spec: InputSpec) -> BinaryIO:
    """A report as a stream of JSON, unpacked, here or elsewhere. Raises ``BadInputError``, on reading too."""
    [file] = spec.files
    piped = standard_input() if file == STDIN else None
    if piped is not None:
        outer = Stream(piped, owned=False)
    else:
        outer = Stream(remote.open_stream(file) if remote.is_url(file) else open_file(file))
    try:
        stream = _Named(open_packed(spec.name, outer, Budget(outer.tell)))
    except BaseException:
        outer.close()
        raise
    stream.name = spec.name
    return io.BufferedReader(stream)


# ------------------------------------------------------------------------------------------------ what is named


def _expanded(paths: Iterable[str]) -> list[str]:
    names: list[str] = []
    for path in paths:
        names += [path] if remote.is_url(path) else expand_globs([path], None)
    return names


def _is_saved(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, SAVED))


def _specs(names: Sequence[str], labels: LabelRules, left_out: Counter[str]) -> Iterator[InputSpec]:
    listed = [_listed(name) for name in names]
    sets = _sets_of_several(listed)
    for name, file in zip(names, listed, strict=True):
        if file is not None:
            if name in sets:  # else it is a rotation of another one
                yield from _of_group(*sets.pop(name), labels)
        elif name == STDIN:
            yield InputSpec(STDIN, (STDIN,), labels=labels.labels_of(STDIN))
        elif remote.is_url(name):
            yield from _elsewhere(name, labels)
        elif os.path.isdir(name):
            if not _is_saved(name):
                yield from _Walk(name, labels, left_out)
        else:  # missing, or a pipe with a name
            yield _spec(name, [File("", name, 0, 0)], labels)


def _listed(name: str) -> File | None:
    """A regular file that is here; ``None`` for everything else."""
    if name == STDIN:
        return None
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return File(os.path.basename(name), name, status.st_size, status.st_mtime_ns)


def _sets_of_several(listed: Sequence[File | None]) -> dict[str, Group]:
    """The files that were named, as inputs by the path of the first of each that was named."""
    folders: dict[str, dict[str, File]] = {}
    for file in listed:
        if file is not None:
            folders.setdefault(os.path.dirname(file.path), {})[file.base] = file
    place = {file.path: number for number, file in reversed([*enumerate(listed)]) if file is not None}
    groups = (group for files in folders.values() for group in grouped(list(files.values())))
    return {min((file.path for file in files), key=place.__getitem__): (name, files) for name, files in groups}


def _elsewhere(url: str, labels: LabelRules) -> Iterator[InputSpec]:
    try:
        found = remote.expand(url)
    except BadInputError:
        yield _spec(remote.Url(url), [File("", remote.Url(url), 0, 0)], labels)
        return
    folders: dict[str, list[File]] = {}
    for one in found:
        folder, _, base = _without_query(one.name).rpartition("/")
        folders.setdefault(folder, []).append(File(base, one.name, one.size, one.mtime_ns))
    for files in folders.values():
        for name, group in grouped(files):
            yield _spec(name, group, labels)


def _without_query(url: remote.Url) -> str:
    return re.split(r"[?#]", url.plain)[0] if url.plain.lower().startswith("http") else url.plain


def _named_once(found: Iterable[InputSpec]) -> Iterator[InputSpec]:
    """Without inputs that are there already; others of the same name, whose credentials differed, are numbered."""
    names: set[str] = set()
    places: set[tuple[str, ...]] = set()
    for spec in found:
        place = tuple(map(_place, spec.files))
        if place in places:
            continue
        places.add(place)
        name, number = spec.name, 1
        while name in names:
            number += 1
            name = f"{spec.name} ({number})"
        names.add(name)
        yield spec if number == 1 else replace(spec, name=name)


def _place(file: str) -> str:
    """A file however it was spelled: ``logs/a`` and ``./logs//a``."""
    return file if file == STDIN or remote.is_url(file) else os.path.abspath(file)


# ------------------------------------------------------------------------------------------------------ folders


class _Walk:
    """The inputs in a folder and below; one without any is itself an input, whose reading says so."""

    def __init__(self, top: str, labels: LabelRules, left_out: Counter[str]) -> None:
        self._top, self._labels, self._left_out = top, labels, left_out
        self._known: set[tuple[int, int]] = set()  # what was seen, by device and inode: links lead there again

    def __iter__(self) -> Iterator[InputSpec]:
        taken = False
        for spec in self._folder(self._top, "", 0):
            taken = True
            yield spec
        if not taken:
            yield _spec(self._top, [File("", self._top, 0, 0)], self._labels)

    def _folder(self, folder: str, inner: str, depth: int) -> Iterator[InputSpec]:
        """``inner``: its path within the folder that was named, with a ``/`` behind it, or empty."""
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in self._known or depth > DEPTH_LIMIT:
                return  # a link back to where we are
            self._known.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                files, below = self._entries(entries, folder, inner)
        except OSError:
            yield _spec(folder, [File("", folder, 0, 0)], self._labels)
            return
        if files is None:
            return
        if _is_bundle(below):
            yield self._bundle(folder)
            return
        for name, group in grouped(files):
            yield from self._judged(name, group)
        del files
        for name in below:
            if not name.startswith("."):
                yield from self._folder(os.path.join(folder, name), f"{inner}{name}/", depth + 1)

    def _entries(
        self, entries: Iterable[os.DirEntry[str]], folder: str, inner: str
    ) -> tuple[list[File] | None, list[str]]:
        """Files that may be logs by their names, and folders, in order; ``None`` for the files of a saved folder."""
        files: list[File] = []
        below: list[str] = []
        whole = os.path.abspath(folder)
        for entry in sorted(entries, key=lambda entry: entry.name):
            try:
                if entry.is_dir():
                    below.append(entry.name)
                    continue
                if entry.name == SAVED:
                    return None, []
                why = left_out_by_path(inner + entry.name, f"{whole}/{entry.name}")
                if why is not None:
                    self._left_out[why] += 1
                    continue
                status = entry.stat()
            except (OSError, ValueError):
                continue  # a link to nowhere
            if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in self._known:
                continue
            self._known.add((status.st_dev, status.st_ino))
            files.append(File(entry.name, os.path.join(folder, entry.name), status.st_size, status.st_mtime_ns))
        return files, below

    def _judged(self, name: str, group: list[File]) -> Iterator[InputSpec]:
        """The input that a group of files is, those that it falls into, or none: by what they hold."""
        reasons: list[str] = []
        for file in reversed(group):  # the one that is written to goes first: it is seldom packed
            kind, why = _judged(file)
            if why is None:
                if kind == "report" and len(group) > 1:  # no log, so what looks like rotations are none
                    for one in group:
                        yield from self._judged(one.path, [one])
                else:
                    yield _spec(name, group, self._labels, kind)
                return
            reasons.append(why)
        if any(_PROMISING.search(os.path.basename(file.path)) for file in group):
            yield _spec(name, group, self._labels)  # empty, damaged, cut: its reading says which
            return
        self._left_out.update(reasons)

    def _bundle(self, folder: str) -> InputSpec:
        """A support bundle that somebody unpacked: its files tell of one another."""
        size = latest = count = 0
        for path, _, names in os.walk(folder):
            for name in names:
                try:
                    status = os.lstat(os.path.join(path, name))
                except OSError:
                    continue
                size, latest, count = size + status.st_size, max(latest, status.st_mtime_ns), count + 1
            if count > FILES_LIMIT:
                break
        return _spec(folder, [File("", folder, size, latest)], self._labels)


def _is_bundle(below: Iterable[str]) -> bool:
    """Whether a folder with these folders in it has the layout of a support bundle."""
    names = set(below)
    return "systeminfo" in names and not names.isdisjoint(("journald", "systemlogs", "k3s", "rke2"))


def _judged(file: File) -> tuple[Kind, str | None]:
    """What a file of a folder is, and why it is no log, by its first bytes; what cannot be read passes for a log."""
    try:
        with open_member(file.path) as raw:
            head = raw.read(HEAD) or b""
        if packed_as(head) is not None:
            with Stream(open_member(file.path)) as stream:
                head = unpacked(stream, Budget(stream.tell)).peek(HEAD)
    except Exception:
        return "log", None
    if archive_kind(head[:TAR_BLOCK]) is not None or _POLLS.match(head) is not None:
        return "log", None
    return ("report", None) if _is_report(head) else ("log", left_out_by_content(head))


def _is_report(head: bytes) -> bool:
    head = head[:_REPORT_WITHIN]
    encoding = utf16(head)
    if encoding is not None:
        head = head.decode(encoding, "replace").encode()
    return _REPORT.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def _of_group(name: str, group: Sequence[File], labels: LabelRules) -> Iterator[InputSpec]:
    """A group of files that were named; reports are inputs of their own."""
    kinds = [_kind(file) for file in group]
    if "report" not in kinds:
        yield _spec(name, group, labels)
        return
    for file, kind in zip(group, kinds, strict=True):
        yield _spec(file.path, [file], labels, kind)


def _kind(file: File) -> Kind:
    return _judged(file)[0]


def _spec(name: str, group: Sequence[File], labels: LabelRules, kind: Kind = "log") -> InputSpec:
    shown = remote.mask_url(name) if isinstance(name, remote.Url) else _text(name)
    return InputSpec(
        shown,
        tuple(file.path for file in group),
        sum(file.size for file in group),
        max(file.mtime_ns for file in group),
        labels.labels_of(shown),
        kind,
    )


def _text(path: str) -> str:
    """A path as text: bytes that are no UTF-8 become visible."""
    if path.isascii():
        return path
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
