"""What is known of the checks."""

from __future__ import annotations

from analyzer.events.check_info import HOOK, info, known_checks
from analyzer.events.readyz import parse_body
from analyzer.events.versions import check_list, known_minors, optional_names


def test_every_default_check_is_known() -> None:
    for minor in known_minors():
        for name in check_list(minor):
            about = info(name)
            assert about.known, name
            assert about.name == name
            assert about.waits_for


def test_hooks_never_go_back_and_probes_may() -> None:
    for about in known_checks():
        if about.name.startswith(HOOK):
            assert about.monotone
    for name in (
        "etcd",
        "etcd-readiness",
        "informer-sync",
        "kms-providers",
        "kms-provider-7",
        "log",
        "ping",
        "shutdown",
    ):
        assert not info(name).monotone, name
    assert info("autoregister-completion").monotone


def test_needs_are_checks_and_have_no_cycle() -> None:
    names = {about.name for about in known_checks()}
    for about in known_checks():
        seen: set[str] = set()
        todo = list(about.needs + about.needs_when_fresh)
        while todo:
            need = todo.pop()
            assert need in names
            assert need != about.name
            if need not in seen:
                seen.add(need)
                todo.extend(info(need).needs + info(need).needs_when_fresh)


def test_limits() -> None:
    assert info("poststarthook/rbac/bootstrap-roles").limit_s == 30.0
    assert not info("poststarthook/rbac/bootstrap-roles").hard_limit
    assert info("poststarthook/start-service-ip-repair-controllers").hard_limit
    assert info("poststarthook/start-service-ip-repair-controllers").limit_s == 60.0
    assert info("poststarthook/crd-informer-synced").limit_s is None


def test_unknown_names() -> None:
    hook = info("poststarthook/of-tomorrow")
    assert (hook.kind, hook.monotone, hook.known, hook.short) == ("blocking", True, False, "of-tomorrow")
    probe = info("of-tomorrow")
    assert (probe.monotone, probe.known) == (False, False)


def test_blocking_checks_say_why_they_are_slow() -> None:
    for about in known_checks():
        if about.kind == "blocking":
            assert about.slow_causes
            assert about.advice


def test_every_check_can_be_explained() -> None:
    for about in known_checks():
        assert about.description.endswith("."), about.name
    for name in optional_names():
        assert info(name).known, name


def test_examples_are_read_as_the_check_with_its_reason() -> None:
    shown = [about for about in known_checks() if about.example]
    assert {about.name for about in known_checks() if about.kind == "blocking"} - {about.name for about in shown} <= {
        "poststarthook/peer-discovery-cache-sync",
        "poststarthook/local-discovery-cache-sync",
    }
    for about in shown:
        body = parse_body(f"{about.example}\nreadyz check failed")
        assert body is not None
        assert len(body.failing) == 1
        assert info(body.failing[0]).description == about.description
        assert body.reasons
