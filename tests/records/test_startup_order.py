"""The order in which things are always said, and what has no place in it."""

from __future__ import annotations

import pytest

from analyzer.records.draft import Draft
from analyzer.records.payloads import digest
from analyzer.records.startup_order import BANNER_PLACE, DEATH_PLACE, in_sequence, rank, ranks


def line(text: str, level: str = "info") -> Draft:
    row = text if text[:1] == "I" else f'time="2026-03-01T06:00:00Z" level={level} msg="{text}"'
    draft = Draft(0, 1, row, row)
    digest(draft)
    return draft


IN_ORDER = [
    "Acquiring lock file /x", "Starting k3s v1.33.4+k3s1 (148243c4)", "Configuring sqlite3 database connection pooling",
    "Database tables and indexes are up to date", "Kine available at unix://kine.sock",
    "generated self-signed CA certificate CN=x", "Running kube-apiserver --x", "Running kube-scheduler --x",
    "Running kube-controller-manager --x", "Kube API server is now running", "k3s is up and running",
]  # fmt: skip


def test_every_server_says_these_in_one_order() -> None:
    places = [in_sequence(line(text)) for text in IN_ORDER]
    assert places == list(range(len(IN_ORDER)))
    assert places[1] == BANNER_PLACE
    assert in_sequence(line("rke2 is up and running")) == len(IN_ORDER)
    assert in_sequence(line("no such thing", "fatal")) == DEATH_PLACE > len(IN_ORDER)


@pytest.mark.parametrize("text", ["Opening etcd client", "Starting VPN", "Starting to listen", "Running kubelet --x"])
def test_of_other_lines_only_the_wrappers_have_a_place(text: str) -> None:
    assert in_sequence(line(text)) == (0 if text == "Starting VPN" else None)


def test_a_component_has_no_place_whatever_it_says() -> None:
    assert in_sequence(line("I0301 06:00:00.000000       5 x.go:1] Kine available at unix://kine.sock")) is None


def test_landmarks_by_their_rank() -> None:
    rows = [
        "k3s.service: Scheduled restart job, restart counter is at 1.", "Starting k3s.service - Lightweight Kubernetes",
        *IN_ORDER[:5], "Running containerd -c x", "containerd is now running", "Running kubelet --x",
        "k3s is up and running", "Started k3s.service - Lightweight Kubernetes", "Main process exited",
        "k3s.service: Failed with result 'exit-code'.",
    ]  # fmt: skip
    drafts = [line(row) for row in rows]
    assert ranks(drafts) == list(range(len(rows)))
    assert rank(line("words")) is None
    assert ranks([line("words"), *drafts[:2]]) == [0, 1]
