"""Which files of a folder or an archive are logs: by name, then by their first lines."""

from __future__ import annotations

import re
from itertools import islice

from analyzer.sources.open_input import looks_binary, utf16

NOT_BY_NAME = "not a log by its name"
NOT_TEXT = "not text"
NO_STAMPS = "text without the timestamps of a log"
EMPTY = "empty"
OURS = "written by k3slog itself"

_ENDS = re.compile(
    r"\.(?:ya?ml|html?|css|js|ts|pyc?|go|sh|md|rst|pem|crt|cert|key|csr|pub|so|o|a|exe|dll|deb|rpm|apk|png|jpe?g|gif|svg|"
    r"pdf|ico|woff2?|(?:db|sqlite)(?:-wal|-shm)?|pcap|conf|cfg|ini|toml|service|timer|lock|whl|jar|class|7z|rar|iso|img|"
    r"parquet|truth\.json|mo|bin)$",
    re.IGNORECASE,
)
_STAMP = re.compile(
    rb"[0-2]\d:[0-5]\d:[0-6]\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[IWEF][01]\d[0-3]\d "
    rb"|(?:INFO|WARN|ERRO|FATA|DEBU|TRAC)\[\d{4}|\[ {0,9}\d{1,9}\.\d{6}\]|\"ts\": {0,2}\d|\d{10}\.\d{6}"
)
_ENTRY = re.compile(rb"__CURSOR=|__REALTIME_TIMESTAMP|\[s=[0-9a-f]{32};i=")
_KEY = re.compile(rb"\s{0,80}(?:- )?\"?[A-Za-z][\w./-]{0,80}\"?:(?:\s|$)")
_STAMP_WITHIN = 160  # bytes from the begin of a line
_MOST_LINES = 400
_ENOUGH = 10  # lines with a stamp


def left_out_by_name(inner: str) -> str | None:
    """Why a file is no log, going by the path inside its folder or archive; ``None``: it may be one."""
    base = inner.rpartition("/")[2]
    if base.startswith(".") or any(
        part in (".git", "node_modules", "__pycache__", "__MACOSX") for part in inner.split("/")
    ):
        return NOT_BY_NAME
    return NOT_BY_NAME if _ENDS.search(base) else None


def left_out_by_content(head: bytes) -> str | None:
    """Why what begins with ``head`` (unpacked) is no log, ``None`` when it looks like one."""
    if not head.strip():
        return EMPTY
    if head.startswith(b"LPKSHHRH"):
        return None
    encoding = utf16(head)
    if encoding is not None:
        head = head[: len(head) & ~1].decode(encoding, "replace").encode()
    elif looks_binary(head[:8192]):
        return NOT_TEXT
    if _ENTRY.search(head):
        return None
    lines = [line for line in head.split(b"\n")[:_MOST_LINES] if line.strip()]
    if any(b'"schema": "k3slog.' in line or b'"schema":"k3slog.' in line for line in lines[:3]):
        return OURS
    stamped = sum(1 for _ in islice(filter(_stamped, lines), _ENOUGH))
    return None if stamped * 5 >= len(lines) or stamped == _ENOUGH else NO_STAMPS


def _stamped(line: bytes) -> bool:
    if line.lstrip()[:1] in (b"{", b"["):  # JSON has its stamp anywhere
        return b'"apiVersion"' not in line and _STAMP.search(line) is not None
    return _STAMP.search(line[:_STAMP_WITHIN]) is not None and _KEY.match(line) is None
