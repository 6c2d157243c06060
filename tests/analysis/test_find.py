"""What holds between the findings of one start because of its own words."""

from __future__ import annotations

import pytest

from analyzer.analysis import analyze_records
from analyzer.results import Finding
from tests.kit.handmade import Journal


def ended(words: str, *others: str) -> list[Finding]:
    """The findings, in their order, on a start that skipped keys of config.yaml and ended with these words."""
    journal = Journal().begin()
    for key in ("--flanel-iface", *others):
        journal.say(0.2, f"Unknown flag {key} found in config.yaml, skipping", "warning")
    journal.ticking(0.5, 5.0).say(6.0, words, "fatal")
    journal.systemd(6.1, "k3s.service: Main process exited, code=exited, status=1/FAILURE")
    [start] = analyze_records(journal.log_records(), tool_version="0").starts
    return [finding for finding in start.findings if finding.id in ("config_key_ignored", "process_failed")]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("no flanel-iface was given", True),
        ("flanel-iface: is empty", True),
        ("no flanel-iface-regex was given", False),  # another key
        ("my-flanel-iface is wrong", False),
        ("something is wrong", False),
    ],
)
def test_a_skipped_key_that_the_end_names_is_its_cause(words: str, cause: bool) -> None:
    found = ended(words)
    assert [finding.id for finding in found] == (
        ["config_key_ignored", "process_failed"] if cause else ["process_failed", "config_key_ignored"]
    )
    [end] = [finding for finding in found if finding.id == "process_failed"]
    assert ("Most likely because of this: A key in config.yaml" in end.detail) is cause


@pytest.mark.parametrize(("words", "cause"), [("no flanel-iface was given", True), ("something is wrong", False)])
def test_of_several_skipped_keys_one_that_the_end_names_is_enough(words: str, cause: bool) -> None:
    assert ("Most likely because" in ended(words, "--cni-bin")[cause].detail) is cause
