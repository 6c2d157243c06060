"""Small pasted texts for the tests of starts, and what is said about them."""

from __future__ import annotations

import io
import textwrap

from analyzer.analysis import analyze_records
from analyzer.records import read_log_records
from analyzer.results import Finding, StartReport


def told(text: str) -> list[StartReport]:
    """The starts of a pasted text, its common indent taken off."""
    data = textwrap.dedent(text).lstrip("\n").encode()
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    return list(analyze_records(log_records, tool_version="0").starts)


def only(text: str) -> StartReport:
    [start] = told(text)
    return start


def finding(start: StartReport, name: str) -> Finding:
    found = [one for one in start.findings if one.id == name]
    assert found, [one.id for one in start.findings]
    return found[0]


def names(start: StartReport) -> set[str]:
    return {one.id for one in start.findings}


READY = """
May 04 08:00:01 node-a k3s[812]: time="2026-05-04T08:00:01Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"
May 04 08:00:09 node-a k3s[812]: time="2026-05-04T08:00:09Z" level=info msg="Kube API server is now running"
May 04 08:00:09 node-a k3s[812]: time="2026-05-04T08:00:09Z" level=info msg="k3s is up and running"
"""
LATER = (
    'May 04 08:03:09 node-a k3s[812]: time="2026-05-04T08:03:09Z" level=info msg="Labels and annotations have been '
    'set successfully on node: node-a"\n'
)
