"""Words of a problem count as a line's own, not as something that a note quotes."""

from __future__ import annotations

import pytest

from analyzer.events.catalogue import match, proves_its_place
from analyzer.events.told_place import is_wrapped, of_its_own
from analyzer.records.log_record import LogRecord
from tests.events.examples import journal

NETWORKING = ("Failed to start networking", "failed to start networking")


def _line(message: str, level: str = "fatal") -> LogRecord:
    escaped = message.replace('"', '\\"')
    [record] = journal([f'time="2026-02-03T10:20:30Z" level={level} msg="{escaped}"'])
    return record


@pytest.mark.parametrize(
    "text",
    [
        "Failed to start networking: no route",
        "Shutdown request received: failed to start networking: no route",
        'Error: "failed to start networking: no route"',
        "failed to retrieve agent configuration: failed to start networking: no route",
    ],
)
def test_words_at_the_begin_or_behind_known_wrappers_are_its_own(text: str) -> None:
    assert of_its_own(text, NETWORKING)


@pytest.mark.parametrize(
    "text",
    [
        "Labels of pod web [Failed to start networking: no route]",
        'Event of default/web: "Failed to start networking"',
        "Synced: Failed to start networking",
        "preparing server: pod named web, Failed to start networking",
        "all is well",
    ],
)
def test_words_behind_anything_else_are_not(text: str) -> None:
    assert not of_its_own(text, NETWORKING)


def test_the_names_of_systemd_and_klogs_own_fields_stand_before_them() -> None:
    assert of_its_own(
        "k3s-edge.service: Failed to locate executable /opt/k3s: Permission denied", ["ailed to locate executable "]
    )
    assert of_its_own('"Unhandled Error" err="unable to reconcile role: no leader"', ["unable to reconcile role"])


def test_only_who_passes_an_error_on_wraps_it() -> None:
    assert is_wrapped("Waiting to retrieve agent configuration; server is not ready: not authorized")
    assert not is_wrapped("Labels of pod web [not authorized]")


PLACING = (
    ("network_start", "Failed to start networking: no route"),
    ("kubelet_exited", "kubelet exited: exit status 4"),
    ("controllers_start", "failed to start controllers: no CRD"),
    ("apiserver_exited", "apiserver exited: bad plugin"),
    ("unclean_kubelet", "failed to run Kubelet: swap is on"),
    ("static_pods", "Failed waiting for static pods to sync: late"),
    ("token_missing", "--token is required"),
    ("managed_database", "start managed database: no file"),
    ("tunnel_rbac", "Tunnel watches failed to wait for RBAC: timed out waiting for the condition"),
    ("invalid_flag_use", "invalid flag use; --server is required with --disable-etcd"),
    ("duplicate_node_name", "duplicate node name found, please use another"),
)


@pytest.mark.parametrize(("name", "words"), PLACING, ids=[name for name, _ in PLACING])
def test_a_problem_places_a_line_only_as_its_own_words(name: str, words: str) -> None:
    [said] = [mark for mark in match(_line(words)) if mark.id == name]
    assert proves_its_place(said)
    noted = [mark for mark in match(_line(words, "info")) if mark.id == name]
    assert not any(map(proves_its_place, noted))
    for level in ("error", "fatal"):
        quoted = [mark for mark in match(_line(f"Event of pod web [{words}]", level)) if mark.id == name]
        assert not any(map(proves_its_place, quoted))


@pytest.mark.parametrize(("name", "words"), PLACING, ids=[name for name, _ in PLACING])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_note_that_quotes_a_problem_names_none(name: str, words: str, level: str) -> None:
    for note in (f"Event of pod web [{words}]", f'Adding annotation why="{words}"'):
        assert name not in [mark.id for mark in match(_line(note, level))]
    assert name in [mark.id for mark in match(_line(words))]


@pytest.mark.parametrize("words", ["leaderelection lost", "no space left on device", "flannel exited: x"])
def test_other_problems_are_found_in_a_note_only_where_it_passes_them_on(words: str) -> None:
    quoted = match(_line(f"Renamed volume [{words}]", "info"))
    assert not [mark for mark in quoted if mark.kind == "problem"]


def test_a_wait_says_at_info_level_what_it_waits_for() -> None:
    said = "Waiting to retrieve agent configuration; server is not ready: Node password rejected, duplicate hostname"
    assert "node_password" in [mark.id for mark in match(_line(said, "info"))]


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_the_end_of_a_hook_is_no_hooks_in_a_line_that_quotes_it(level: str) -> None:
    words = 'PostStartHook "rbac/bootstrap-roles" failed: timed out'
    for line in (f"Event of pod web [{words}]", f"Handled pod web: {words}"):
        assert "hook_failed" not in [mark.id for mark in match(_line(line, level))]
    assert "hook_failed" in [mark.id for mark in match(_line(f"apiserver panic: {words}"))]
    [record] = journal([f"F0203 10:20:30.123456    1193 hooks.go:203] {words}"])
    assert "hook_failed" in [mark.id for mark in match(record)]


@pytest.mark.parametrize(
    ("text", "panics"),
    [
        ("deploy controller panic: nil map", True),
        ("Shutdown request received: deploy controller panic: nil map", True),
        ("Event of pod web [deploy controller panic: nil map]", False),
        ('Adding label why="deploy controller panic: nil map"', False),
    ],
)
def test_a_controllers_panic_has_its_name_in_front(text: str, panics: bool) -> None:
    assert ("controllers_start" in [mark.id for mark in match(_line(text, "error"))]) is panics


def test_a_kubelets_noise_places_only_a_kubelets_line() -> None:
    words = '"Skipping pod synchronization" err="PLEG is not healthy: pleg has yet to be successful"'
    [record] = journal([f"E0203 10:20:30.123456    1193 kubelet.go:2412] {words}"])
    [mark] = [mark for mark in match(record) if mark.id == "noise_kubelet_start"]
    assert proves_its_place(mark)
    quoted = match(_line("Event of pod web [PLEG is not healthy: pleg has yet to be successful]", "error"))
    [mark] = [mark for mark in quoted if mark.id == "noise_kubelet_start"]
    assert not proves_its_place(mark)
