"""Notes on the knowledge behind a report: releases newer than any known here, RKE2."""

from __future__ import annotations

from analyzer.analysis import analyze_records
from analyzer.analysis.knowledge_notes import about_releases
from analyzer.events.versions import newest_minor
from tests.kit.handmade import Journal

NEWEST = "v{}.{}.3+k3s1".format(*newest_minor())


def notes(journal: Journal) -> list[str]:
    return [text for _, text in analyze_records(journal.log_records(), tool_version="0").notes]


def test_a_release_newer_than_the_newest_known_one_is_told_once() -> None:
    later = Journal("v1.99.0+k3s1")
    for at in (0.0, 100.0):
        later.pid += 1
        later.begin(at).serving(at + 3.0).running(at + 9.0)
    [note] = [text for text in notes(later) if text.startswith("unverified_release: ")]
    assert "v1.99.0+k3s1" in note
    assert "{}.{}".format(*newest_minor()) in note


def test_a_known_release_needs_no_note() -> None:
    assert not notes(Journal(NEWEST).begin().serving(3.0).running(9.0))
    assert not notes(Journal().begin().serving(3.0).running(9.0))


def test_rules_on_rke2_rest_on_its_source_and_that_is_said_where_they_were_used() -> None:
    def told(product: str, serving: bool) -> list[str]:
        journal = Journal("v1.33.3+rke2r1" if product == "rke2" else "v1.33.3+k3s1")
        journal.say(0.1, f"Starting {product} {journal.version} (148243c4)")
        if serving:
            journal.serving(3.0)
        report = journal.running(9.0).report()
        assert report.product == product
        return [text for _, text in about_releases([report, report]) if text.startswith("rke2_by_source: ")]

    assert len(told("rke2", serving=True)) == 1
    assert not told("k3s", serving=True)
