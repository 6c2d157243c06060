"""Lines that every whole start prints and a text lacks."""

from __future__ import annotations

import pytest

from analyzer.starts.missing_lines import lines_are_missing
from tests.kit.handmade import Journal


def missing(journal: Journal) -> bool:
    [start] = journal.starts()
    return lines_are_missing(start)


def begun(klog: int) -> Journal:
    """A whole beginning with so many lines of klog."""
    journal = Journal().begin()
    for number in range(klog):
        journal.kube(1.0 + number * 0.1, f"{number} words")
    return journal


@pytest.mark.parametrize(("klog", "told"), [(18, False), (19, True)])
def test_of_twenty_lines_of_klog_the_version_would_be_one(klog: int, told: bool) -> None:
    journal = begun(klog).say(5.0, "Running kube-apiserver --advertise-port=6443")
    assert missing(journal.kube(6.0, "Serving securely on 127.0.0.1:6444", "secure_serving.go:213")) is told


@pytest.mark.parametrize(
    ("waiting", "synced", "told"),
    [(("a", "b"), ("a", "b"), False), (("a",), ("a", "b"), True), (("a", "b"), ("a",), False), ((), ("a", "b"), False)],
)
def test_who_is_synced_was_waited_for(waiting: tuple[str, ...], synced: tuple[str, ...], told: bool) -> None:
    journal = begun(30)
    for name in waiting:
        journal.kube(5.0, f"Waiting for caches to sync for {name}", "shared_informer.go:313")
    for name in synced:
        journal.kube(6.0, f"Caches are synced for {name}", "shared_informer.go:320")
    assert missing(journal) is told
