"""Which files of a folder are one log with its rotations, and in which order they are read."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from analyzer.collection.names import File, grouped, left_out_by_path

ID = "000619a2f0b3b7fe7c0ef4d5d5d5d5d5"


def sets(*names: str) -> dict[str, list[str]]:
    return {
        name.removeprefix("d/"): [file.base for file in files]
        for name, files in grouped(File(name, f"d/{name}", 1, 1) for name in names)
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["k3s.log", "k3s.log.1", "k3s.log.2.gz", "k3s.log.10.gz"],
         {"k3s.log": ["k3s.log.10.gz", "k3s.log.2.gz", "k3s.log.1", "k3s.log"]}),
        (["k3s.log", "k3s.log-20250301.gz", "k3s.log-20250228.gz"],
         {"k3s.log": ["k3s.log-20250228.gz", "k3s.log-20250301.gz", "k3s.log"]}),
        (["k3s.log", "k3s.log-2025-03-01.xz", "k3s.log-20250301-1740787200"],
         {"k3s.log": ["k3s.log-2025-03-01.xz", "k3s.log-20250301-1740787200", "k3s.log"]}),
        (["0.log", "0.log.20250301-060322.gz", "0.log.20250302-060322", "1.log"],
         {"0.log": ["0.log.20250301-060322.gz", "0.log.20250302-060322", "0.log"], "1.log": ["1.log"]}),
        # the file that is written to is gone, or was packed by who copied it
        (["k3s.log.1", "k3s.log.2.gz"], {"k3s.log.1": ["k3s.log.2.gz", "k3s.log.1"]}),
        (["k3s.log.gz", "k3s.log.1.gz"], {"k3s.log.gz": ["k3s.log.1.gz", "k3s.log.gz"]}),
        (["node1.gz", "node1.1.gz"], {"node1.gz": ["node1.1.gz", "node1.gz"]}),
        (["syslog.1", "syslog.2.gz"], {"syslog.1": ["syslog.2.gz", "syslog.1"]}),
        (["node1", "node1.1", "node1.2"], {"node1": ["node1.2", "node1.1", "node1"]}),
    ],
)  # fmt: skip
def test_rotations_are_one_input_the_oldest_first(names: list[str], expected: dict[str, list[str]]) -> None:
    assert sets(*names) == expected
    assert sets(*reversed(names)) == expected


@pytest.mark.parametrize(
    "names",
    [
        ["10.0.0.1", "10.0.0.2", "10.0.0.10.gz"],
        ["10.0.0", "10.0.0.1"],
        ["k3s-v1.33", "k3s-v1.33.1", "k3s-v1.33.2"],
        ["v1", "v1.33"],
        ["node.1", "node.2"],
        ["node-1", "node-2"],
        ["node-20250301", "node-20250302"],
        ["k3s-20250301.log", "k3s-20250302.log", "k3s.log"],
        ["k3s.log", "k3s.log.gz"],
        ["a.gz", "a.xz", "a.bz2"],
        ["k3s.log", "k3s.log.bak", "k3s.log.old"],
        ["a.log", "b.log"],
        ["k3s.log", "k3s.log-99999999"],
    ],
)
def test_every_other_file_is_an_input_of_its_own(names: list[str]) -> None:
    assert sets(*names) == {name: [name] for name in names}


def test_of_two_packed_files_one_is_what_was_rotated() -> None:
    assert sets("a.log.gz", "a.log.xz", "a.log.1") == {
        "a.log.gz": ["a.log.1", "a.log.gz"], "a.log.xz": ["a.log.xz"],
    }  # fmt: skip


def test_a_journal_is_one_input_and_that_of_every_host_another() -> None:
    older = f"system@{ID}-0000000000000001-000619a2f0b3b7fe.journal"
    newer = f"system@{ID}-0000000000000900-000619b2f0b3b7fe.journal"
    broken = "system@000619a9f0b3b7fe-7c0ef4d5d5d5d5d5.journal~"
    assert sets("system.journal", newer, older, broken, "user-1000.journal") == {
        "system.journal": [older, broken, newer, "system.journal", "user-1000.journal"]
    }
    assert sets(newer, older) == {older: [older, newer]}
    assert sets("user-1000.journal", "user-1001.journal") == {
        name: [name] for name in ("user-1000.journal", "user-1001.journal")
    }
    first, second = "remote-10.0.0.1.journal", "remote-10.0.0.2.journal"
    closed = f"remote-10.0.0.1@{ID}-0000000000000001-000619a2f0b3b7fe.journal"
    assert sets(first, second, closed) == {first: [closed, first], second: [second]}


NAMES = st.lists(
    st.from_regex(r"[ab](\.log)?([.-](1|2|12|20250301|20250302))?(\.gz|\.xz)?", fullmatch=True), unique=True, max_size=9
)


@given(NAMES)
def test_every_file_is_in_one_input(names: list[str]) -> None:
    found = sets(*names)
    assert sorted(name for files in found.values() for name in files) == sorted(names)
    assert all(name in files for name, files in found.items())


@given(NAMES, st.data())
def test_what_an_input_is_depends_on_its_rotations_only(names: list[str], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.from_regex(r"[cd](\.log)?([.-](1|2|20250301))?(\.gz)?", fullmatch=True), max_size=6))
    both = sets(*names, *set(others))
    assert {name: files for name, files in both.items() if name in names} == sets(*names)


@pytest.mark.parametrize(
    ("inner", "left_out"),
    [
        ("k3s.log", False),
        ("README", False),  # its content says so
        ("README.md", True),
        (".hidden", True),
        ("host/systeminfo/date", True),
        ("host/journald/k3s", False),
        ("host/etcd/memberlist", True),
        ("x.truth.json", True),
        ("pods/kube-system_coredns-5688667fd4-abcde_0a1b2c3d/coredns/0.log", True),
        ("pods/kube-system_kube-apiserver-node-1_0a1b2c3d4e5f/kube-apiserver/0.log", False),
    ],
)
def test_names_that_are_no_logs(inner: str, left_out: bool) -> None:
    assert (left_out_by_path(inner) is not None) is left_out
