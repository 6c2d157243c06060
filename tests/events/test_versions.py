"""Releases: version strings, pollers at every boundary, check lists."""

from __future__ import annotations

import pytest

from analyzer.events.versions import (
    check_list,
    exit_zero_on_failure,
    is_unverified,
    known_minors,
    newest_minor,
    parse_version,
    poller_for,
    ready_line_on_cancel,
    verified_minor,
)


@pytest.mark.parametrize(
    ("text", "numbers", "suffix", "product"),
    [
        ("v1.33.4+k3s1", (1, 33, 4), "+k3s1", "k3s"),
        ("1.34.3+k3s3", (1, 34, 3), "+k3s3", "k3s"),
        ("v1.30.4+rke2r1", (1, 30, 4), "+rke2r1", "rke2"),
        ("v1.29.15+k3s-5aac2aaf", (1, 29, 15), "+k3s-5aac2aaf", "k3s"),
        ("v1.37.0-rc1+k3s1", (1, 37, 0), "-rc1+k3s1", "k3s"),
        ("v1.32.4", (1, 32, 4), "", "unknown"),
    ],
)
def test_version_strings(text: str, numbers: tuple[int, int, int], suffix: str, product: str) -> None:
    version = parse_version(text)
    assert version is not None
    assert (version.numbers, version.suffix, version.product) == (numbers, suffix, product)
    assert str(version).removeprefix("v") == text.removeprefix("v")


@pytest.mark.parametrize("text", ["", "latest", "v1.33", "v1", "k3s", "1.2", "v1.x.3"])
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None
    assert poller_for(text).kind == "unknown"


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1.20.2+k3s1", "legacy-30s"),
        ("v1.21.14+k3s1", "legacy-30s"),
        ("v1.22.2+k3s1", "legacy-4x1s"),
        ("v1.28.4+k3s1", "legacy-4x1s"),
        ("v1.29.15+k3s1", "legacy-4x1s"),
        ("v1.29.15+k3s-5aac2aaf", "unknown"),
        ("v1.30.11+k3s1", "legacy-4x1s"),
        ("v1.30.12+k3s1", "shared-2s"),
        ("v1.31.7+rke2r1", "legacy-4x1s"),
        ("v1.31.8+rke2r1", "shared-2s"),
        ("v1.32.3+k3s1", "legacy-4x1s"),
        ("v1.32.3+k3s-0123abcd", "unknown"),
        ("v1.32.4+k3s1", "shared-2s"),
        ("v1.33.0+k3s1", "shared-2s"),
        ("1.35.0+k3s1", "shared-2s"),
        ("v1.41.0+k3s1", "shared-2s"),
        (None, "unknown"),
    ],
)
def test_pollers_at_their_boundaries(version: str | None, kind: str) -> None:
    spec = poller_for(version)
    assert spec.kind == kind
    assert spec.prints_polls is {"shared-2s": True, "unknown": None}.get(kind, False)
    assert spec.interval_s == {"shared-2s": 2.0, "unknown": None}.get(kind, 1.0)


def test_the_limits_of_the_shared_poller() -> None:
    spec = poller_for("v1.33.4+k3s1")
    assert (spec.request_limit_s, spec.pollers) == (15.0, 1)


@pytest.mark.parametrize(
    ("version", "on_cancel"),
    [
        (None, True),
        ("v1.28.4+k3s1", True),
        ("v1.31.14+k3s1", True),
        ("v1.32.4+k3s1", True),
        ("v1.32.10+k3s1", False),
        ("v1.33.5+k3s1", True),
        ("v1.33.6+k3s1", False),
        ("v1.34.1+k3s1", True),
        ("v1.34.2+k3s1", False),
        ("v1.35.0+k3s1", False),
    ],
)
def test_the_ready_line_may_come_from_a_cancellation(version: str | None, on_cancel: bool) -> None:
    assert ready_line_on_cancel(version) is on_cancel
    if version is not None:
        assert exit_zero_on_failure(version) is not on_cancel


SIZES = {24: 25, 25: 27, 26: 30, 27: 33, 28: 34, 29: 33, 30: 33, 31: 34, 32: 34, 33: 35, 34: 35, 35: 35, 36: 37}


@pytest.mark.parametrize(("minor", "size"), SIZES.items())
def test_check_lists(minor: int, size: int) -> None:
    listed = check_list((1, minor))
    assert len(listed) == len(set(listed)) == size
    assert listed[0] == "ping"
    assert listed[-1] == "shutdown"
    assert "poststarthook/rbac/bootstrap-roles" in listed


def test_no_list_is_invented() -> None:
    assert check_list((1, 23)) == ()
    assert set(known_minors()) == {(1, number) for number in SIZES}


def test_a_release_newer_than_the_newest_known_one_is_taken_to_be_like_it() -> None:
    newest = newest_minor()
    later = (newest[0], newest[1] + 1)
    assert newest == known_minors()[-1]
    assert check_list(later) == check_list((2, 0)) == check_list(newest) != ()
    assert verified_minor(later) == newest
    assert verified_minor((1, 24)) == (1, 24)
    assert poller_for("v{}.{}.0+k3s1".format(*later)).kind == "shared-2s"
    assert is_unverified("v{}.{}.0+k3s1".format(*later))
    assert not is_unverified("v{}.{}.9+k3s1".format(*newest))
    assert not is_unverified(None)
    assert not is_unverified("latest")
