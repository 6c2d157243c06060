from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from analyzer.collection.reasons import reason, shared
from analyzer.events.finding_info import known_findings
from analyzer.results import End, Finding, Links
from tests.kit.made_reports import HOSTILE, failed_start


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen tcp 127.0.0.1:6444: bind: address already in use", "listen tcp …: bind: address already in use"),
        ("dial tcp [fd00:12::1]:6443: connect: no route to host", "dial tcp …: connect: no route to host"),
        ('Get "https://10.0.0.5:6443/cacerts": EOF', 'Get "…": EOF'),
        ("open /var/lib/rancher/k3s/server/token: no such file", "open …: no such file"),
        ("node worker-17 has 0xdeadbeef00 at 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "node … has … at …"),
        ("lookup db-3.prod.example.com: no such host after 1m30.5s", "lookup …: no such host after …"),
        ("image sha256:abcdef0123456789abcdef0123456789 took 34 s", "image … took … s"),
        # what is the same everywhere stays
        ("killed by signal 9 (KILL)", "killed by signal 9 (KILL)"),
        ("exit status 1", "exit status 1"),
        ("k3s is not allowed to read /readyz", "k3s is not allowed to read /readyz"),
        ('PostStartHook "rbac/bootstrap-roles" failed', 'PostStartHook "rbac/bootstrap-roles" failed'),
        ("x509: no matches for etcd3 in helm.k3s.cattle.io", "x509: no matches for etcd3 in helm.k3s.cattle.io"),
        ("std::bad_alloc", "std::bad_alloc"),
    ],
)
def test_what_belongs_to_one_host_is_left_out(text: str, words: str) -> None:
    assert shared(text) == words


def test_names_of_the_host_are_left_out_where_they_stand_alone() -> None:
    assert shared("node cp was removed, cpu not", ["cp"]) == "node cp was removed, cpu not"  # too short for a name
    assert shared("node Alpha was removed, alphabet not", ["alpha", "", "a.b"]) == "node … was removed, alphabet not"


@given(st.text(), st.lists(st.text(max_size=8), max_size=3))
def test_it_is_short_of_one_line_and_stays_the_same_when_done_twice(text: str, names: list[str]) -> None:
    once = shared(text, names)
    assert len(once) <= 121 and "\n" not in once
    assert shared(once) == shared(shared(once))


@given(st.ip_addresses(), st.integers(1, 65535), st.uuids(), st.integers(0, 10**9))
def test_equal_failures_of_two_hosts_have_equal_words(address: object, port: int, uuid: object, number: int) -> None:
    shown = f"[{address}]" if ":" in str(address) else str(address)
    assert shared(f"dial tcp {shown}:{port}: refused for {uuid} (try {number})") == shared(
        "dial tcp 192.0.2.1:6443: refused for 3f2504e0-4f89-11d3-9a0c-0305e82c3301 (try 7)"
    )


def test_the_finding_that_explains_the_failure_says_the_reason() -> None:
    assert reason(failed_start()) == "The token is not the one the datastore was encrypted with"
    loop = Finding("crash_loop", "critical", "It failed again and again", "", "")
    assert reason(failed_start(findings=(loop, *failed_start().findings))) == reason(failed_start())


def test_the_vocabularys_own_numbers_stay_and_those_of_a_log_do_not() -> None:
    own = next(one for one in known_findings() if one.title == "Not ready within 15 minutes")
    said = Finding(own.id, "critical", own.title, "", "")
    assert reason(failed_start(findings=(said,))) == own.title
    filled = replace(said, title="10.0.0.7:6443: address already in use")
    assert reason(failed_start(findings=(filled,))) == "…: address already in use"


def test_without_a_finding_the_innermost_words_say_it() -> None:
    said = "starting kubernetes: preparing server: failed to get CA certs: unknown trouble on 10.0.0.5"
    assert reason(failed_start(findings=(), outcome_reason=said)) == "The CA of the server to join could not be fetched"
    unknown = failed_start(findings=(), outcome_reason="frobnicating 17 widgets: no luck at 10.0.0.5:6443")
    assert reason(unknown) == "frobnicating … widgets: no luck at …"
    assert reason(failed_start(findings=(), outcome_reason=None)) == "exit status 1"
    assert reason(failed_start(findings=(), outcome_reason=None, end=End("failed"))) == ""


def test_names_and_secrets_of_a_log_do_not_get_through() -> None:
    start = failed_start(
        findings=(), host="alpha", links=Links(names=("alpha.lan",)),
        outcome_reason="alpha.lan said no to token=K10f00::server:hunter2hunter2 of alpha",
    )  # fmt: skip
    assert "hunter2" not in reason(start) and "alpha" not in reason(start)
    assert "\n" not in reason(failed_start(findings=(), outcome_reason=HOSTILE))
