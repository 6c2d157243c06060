"""All carriers, in the order in which they are tried: the more specific before those that would take its lines, too.

How to add one: ``docs/contributing/carriers.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.records.carriers.binary import BINARY
from analyzer.records.carriers.carrier import Carrier, Parsed
from analyzer.records.carriers.docker_json import DOCKER_JSON
from analyzer.records.carriers.export import EXPORT
from analyzer.records.carriers.grafana import GRAFANA, LOGCLI, LOKI, TABLE
from analyzer.records.carriers.iso_stamps import CRI, ISO
from analyzer.records.carriers.journal_json import JSON, JSON_PRETTY
from analyzer.records.carriers.journalctl_short import FULL, MONOTONIC, SHORT, UNDATED, UNIX
from analyzer.records.carriers.shippers import FILEBEAT, FLUENT
from analyzer.records.carriers.syslog import SYSLOG
from analyzer.records.carriers.verbose import VERBOSE
from analyzer.records.carriers.windows import WINDOWS
from analyzer.records.carriers.wrappers import CAT, JUNK, WRAPPED
from analyzer.records.draft import Tally

CARRIERS: tuple[Carrier, ...] = (
    # files of their own framing
    BINARY, EXPORT, VERBOSE, JSON_PRETTY, LOKI, TABLE,
    # objects, one a line
    JSON, FLUENT, DOCKER_JSON, FILEBEAT, LOGCLI,
    # layers around the text of a line
    SYSLOG, GRAFANA, ISO, CRI, FULL, MONOTONIC, UNIX, SHORT, WINDOWS, WRAPPED, UNDATED, JUNK,
    # nothing around it
    CAT,
)  # fmt: skip


def file_carrier(head: bytes) -> Carrier | None:
    """The carrier with a framing of its own whose file begins so; ``None``: a text, to be read line by line."""
    start = head.lstrip()
    return next((carrier for carrier in CARRIERS if carrier.begins is not None and carrier.begins(start)), None)


def parse_object(data: Mapping[str, Any], tally: Tally, line: int) -> Parsed:
    """What a JSON object of a known carrier holds; ``None`` for any other (etcd's own lines, for one)."""
    for carrier in CARRIERS:
        if carrier.parse is not None and (found := carrier.parse(data, tally, line)) is not None:
            return found
    return None


def prints_newest_first(name: str) -> bool:
    """Whether what prints the carrier of this name begins with the newest line unless told otherwise."""
    return any(carrier.newest_first for carrier in CARRIERS if carrier.name == name)
