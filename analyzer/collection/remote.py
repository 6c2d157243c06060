"""Inputs that lie elsewhere: URLs that fsspec knows, listed here and read as streams, never stored.

Credentials that a URL holds are needed to read it and shown nowhere (``urls.py``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from analyzer.collection.names import left_out_by_path
from analyzer.collection.urls import WEB, Url, is_url, mask_text, mask_url, parts_of
from analyzer.errors import BadInputError, UsageError
from analyzer.sources.inputs import DEPTH_LIMIT
from analyzer.sources.pod_files import pod_of
from analyzer.sources.source import Input

__all__ = ["Found", "Url", "as_input", "expand", "is_url", "mask_text", "mask_url", "open_stream"]

LISTED_LIMIT = 1_000_000  # files behind one URL
_PIECE = 1 << 18  # bytes asked for at a time
_BLOCK = 4 << 20  # bytes that a store is asked for
_ANSWERS_S = 60  # s of silence after which a web server is given up
_ASKED_AT_ONCE = 8  # a web server tells of one file at a time
_WORDS_LIMIT = 200  # characters of what an error says
_INSTALL = "pip install 'k3slog[remote]'"


class Found(NamedTuple):
    """A file elsewhere. ``size`` in bytes and ``mtime_ns`` are 0 where nobody tells them."""

    name: Url
    size: int
    mtime_ns: int


# ------------------------------------------------------------------------------------------------------- listing


def expand(url: str) -> list[Found]:
    """The files behind a URL, in order of name: itself, what a pattern matches, all below a folder.

    In a folder, names say what is no log, as in a folder here. Raises ``BadInputError`` when there is none or the
    server does not answer, ``UsageError`` when what reads such URLs is not installed.
    """
    url = url[:]
    filesystem = _filesystem(url)
    try:
        found = _listed(filesystem, url)
    except Exception as error:
        raise _bad(error, url) from None
    if not found:
        raise BadInputError(f"{mask_url(url)} matches no file", hint="Check the URL")
    return sorted(found)


def _listed(filesystem: Any, url: str) -> list[Found]:
    path = filesystem._strip_protocol(url)
    filesystem.invalidate_cache()
    web = _scheme(url) in WEB
    begin = _before_pattern(url)
    if begin != url:
        matched: Mapping[str, Any] = filesystem.glob(path, detail=True, maxdepth=DEPTH_LIMIT if "**" in path else None)
        infos: Iterable[Mapping[str, Any]] = matched.values()
    else:
        infos = [{"name": path, "type": "directory"} if web and url.endswith("/") else filesystem.info(path)]
    told: list[Mapping[str, Any]] = []
    for info in infos:
        if info.get("type") == "directory":
            told += _below(filesystem, info["name"], web=web)
        else:
            told.append(info)
        if len(told) > LISTED_LIMIT:
            raise OSError(f"more than {LISTED_LIMIT} files are there")
    if web:
        told = _sizes(filesystem, told)
    return [Found(_url_of(filesystem, url, begin, info["name"]), _size(info), _mtime_ns(info)) for info in told]


def _below(filesystem: Any, folder: str, *, web: bool) -> list[Mapping[str, Any]]:
    """The files below a folder that are logs by their names."""
    if web:
        files: Iterable[Mapping[str, Any]] = _linked(filesystem, folder, DEPTH_LIMIT, set())
    else:
        files = filesystem.find(folder, detail=True).values()
    top = folder.rstrip("/") + "/"
    chosen = (info for info in files if left_out_by_path(info["name"].removeprefix(top)) is None)
    return list(islice(chosen, LISTED_LIMIT + 1))


def _linked(filesystem: Any, folder: str, depth: int, known: set[str]) -> Iterator[Mapping[str, Any]]:
    """What the page of a folder on a web server links to below itself; links that sort the page are none."""
    known.add(folder)
    begin = folder.rstrip("/") + "/"
    for info in filesystem.ls(folder, detail=True):
        rest = info["name"].removeprefix(begin)
        if rest == info["name"] or not rest or rest.startswith((".", "/")) or re.search(r"[?#]|/\.", rest):
            continue
        if info["type"] == "directory":
            if depth and info["name"] not in known and len(known) < LISTED_LIMIT:
                yield from _linked(filesystem, info["name"], depth - 1, known)
        else:
            yield info


def _sizes(filesystem: Any, infos: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """With sizes, which the page of a folder does not tell."""

    def asked(info: Mapping[str, Any]) -> Mapping[str, Any]:
        if info.get("size") is not None:
            return info
        try:
            told: Mapping[str, Any] = filesystem.info(info["name"])
        except Exception:
            return info  # reading it says what is wrong
        return told

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        return list(threads.map(asked, infos))


def _before_pattern(url: str) -> str:
    """The folder that a pattern is looked for in, with its ``/``; ``url`` itself when it is no pattern."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    signs = "*[" if scheme.lower() in WEB else "*[?"
    if "=" in path.partition("?")[2]:  # ?versionId=…
        signs = "*["
    if scheme.lower() not in (*WEB, "ssh", "sftp", "ftp") and any(sign in authority for sign in signs):
        return f"{scheme}://"  # in the name of a bucket
    at = min((place for sign in signs if (place := path.find(sign)) >= 0), default=None)
    return url if at is None else f"{scheme}://{authority}{slash}{path[: path.rfind('/', 0, at) + 1]}"


def _url_of(filesystem: Any, url: str, begin: str, path: str) -> Url:
    """The URL of a file that was found; fsspec's own names have neither user nor host."""
    if path == filesystem._strip_protocol(url):
        return Url(url)
    folder = filesystem._strip_protocol(begin).rstrip("/")
    if not path.startswith(folder):
        return Url(filesystem.unstrip_protocol(path))
    rest = path[len(folder) :]
    return Url(begin + rest if begin.endswith("://") else begin.rstrip("/") + rest)


def _size(info: Mapping[str, Any]) -> int:
    size = info.get("size")
    return int(size) if isinstance(size, int) else 0


def _mtime_ns(info: Mapping[str, Any]) -> int:
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified", "Last-Modified", "created"):
        told = info.get(name)
        if isinstance(told, str):
            try:
                told = parsedate_to_datetime(told) if name == "Last-Modified" else datetime.fromisoformat(told)
            except (ValueError, TypeError):
                continue
        if isinstance(told, datetime):
            told = (told if told.tzinfo is not None else told.replace(tzinfo=UTC)).timestamp()
        if isinstance(told, int | float):
            return round(told * 1_000_000) * 1000
    return 0


# ------------------------------------------------------------------------------------------------------- reading


def as_input(url: str) -> Input:
    """A file elsewhere as what ``pipeline.read`` takes: opened when it is read, under the limits of files here."""
    plain = url[:]
    parts = parts_of(plain)
    return Input(
        mask_url(plain), lambda: open_stream(plain), pod=pod_of(parts.place) if parts is not None else None,
        unknown=True,
    )  # fmt: skip


def open_stream(url: str) -> BinaryIO:
    """A file elsewhere, unbuffered and forwards only; its ``size`` is in bytes as stored, ``None`` when not known.

    Raises ``BadInputError`` where it cannot be opened; so does reading where the connection breaks off, as what came
    by then is no answer that one gets twice. Neither names a credential.
    """
    url = url[:]
    filesystem = _filesystem(url)
    try:
        path = filesystem._strip_protocol(url)
        if _scheme(url) in WEB:  # one request, whatever the server knows of ranges
            file = filesystem.open(path, "rb", block_size=0, size=1)
            told = file.r.headers.get("Content-Length", "")
            size = int(told) if told.isdecimal() else None
        else:
            file = filesystem.open(path, "rb", block_size=_BLOCK)
            size = getattr(file, "size", None)
    except Exception as error:
        if _before_pattern(url) != url:
            expand(url)  # says why there is nothing
        raise _bad(error, url) from None
    return _Stream(file, url, size)  # type: ignore[return-value]


class _Stream(io.RawIOBase):
    """What fsspec opened; whatever goes wrong is a ``BadInputError`` without credentials."""

    def __init__(self, file: Any, url: str, size: int | None) -> None:
        super().__init__()
        self.size = size if isinstance(size, int) else None
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        try:
            data = self._file.read(min(len(view), _PIECE))
        except Exception as error:
            raise BadInputError(
                f"reading {mask_url(self._url)} broke off: {_words(error, self._url)}", hint="Try again"
            ) from None
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with suppress(Exception):  # nothing is lost
                self._file.close()
            super().close()

    def __repr__(self) -> str:
        return f"<stream of {mask_url(self._url)}>"


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _filesystem(url: str) -> Any:
    """What reads such URLs, with the credentials that it finds itself. Raises ``UsageError``."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{mask_url(url)}: URLs need a package that is not installed", hint=_INSTALL) from None
    scheme = _scheme(url)
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise UsageError(f"{scheme}:// needs a package that is not installed: {error}", hint=_INSTALL) from None
    except ValueError:
        raise UsageError(f"{scheme}:// is not known to fsspec", hint="For example s3://bucket/logs/") from None
    options: dict[str, Any] = {}
    if scheme in WEB:
        import aiohttp

        told = {**fsspec.config.conf.get("http", {}), **fsspec.config.conf.get("https", {})}  # as fsspec reads it
        patience = aiohttp.ClientTimeout(total=None, sock_connect=_ANSWERS_S, sock_read=_ANSWERS_S)
        # What is unpacked on the way would escape the limits.
        client = {"timeout": patience, **told.get("client_kwargs", {}), "auto_decompress": False}
        headers = {**told.get("headers", {}), "Accept-Encoding": "identity"}
        options = {"client_kwargs": client, "headers": headers, "simple_links": False}
    try:
        return fsspec.filesystem(scheme, **kind._get_kwargs_from_urls(url), **options)
    except ImportError as error:
        raise UsageError(f"{scheme}:// needs a package that is not installed: {error}", hint=_INSTALL) from None
    except Exception as error:
        raise _bad(error, url) from None


# -------------------------------------------------------------------------------------------------------- errors


def _bad(error: Exception, url: str) -> BadInputError:
    name = mask_url(url)
    error = _told_by(error)
    status = getattr(error, "status", None)
    if status in (401, 403) or isinstance(error, PermissionError) or "credentials" in type(error).__name__.lower():
        return BadInputError(
            f"{name} may not be read with these credentials, or without any ({_words(error, url)})",
            hint="Set them as fsspec reads them, for example AWS_PROFILE for s3",
        )
    if status in (404, 410) or isinstance(error, FileNotFoundError):
        return BadInputError(f"{name} does not exist", hint="Check the URL")
    return BadInputError(f"{name} cannot be read: {_words(error, url)}", hint="Check the URL and the network")


def _told_by(error: BaseException) -> Any:
    """The error of the server or the network behind one that only says that nothing is there."""
    cause = error.__cause__
    told = hasattr(cause, "status") or isinstance(cause, OSError)
    return cause if told and isinstance(error, FileNotFoundError) else error


def _words(error: BaseException, url: str) -> str:
    """What went wrong, on one line, masked."""
    status, message = getattr(error, "status", None), getattr(error, "message", None)
    if isinstance(status, int):  # aiohttp's own words repeat the URL
        text = f"HTTP {status} {message or ''}"
    else:
        text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    text = mask_text(str(text), url).strip().rstrip(".")
    return text if len(text) <= _WORDS_LIMIT else text[:_WORDS_LIMIT] + "…"
