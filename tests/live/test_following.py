"""Kubeconfigs that appear, change, lie and stay, against real servers."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from analyzer.errors import BadInputError
from analyzer.live.following import Following
from analyzer.live.observed_polls import ObservedWait
from analyzer.live.target import Target
from analyzer.live.waiting import Wait
from analyzer.policies import get
from tests.live.double import Act, Double, Pki
from tests.live.replayed import Replayed, Timeline, readyz

ROLES = "poststarthook/rbac/bootstrap-roles"


def old(path: Path) -> Path:
    """As if written yesterday."""
    os.utime(path, (time.time() - 86400,) * 2)
    return path


def waited(target: Target, timeout_s: float = 20.0, patience_s: float = 60.0) -> tuple[ObservedWait, list[str]]:
    lines: list[str] = []
    following = Following(target, patience_s=patience_s, told=lines.append)
    return asyncio.run(Wait(following, get("adaptive"), timeout_s=timeout_s).run()), lines


def later(seconds: float, what: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, what)
    timer.start()
    return timer


def test_a_stale_file_beside_a_wiped_data_directory_is_outlived(pki: Pki, tmp_path: Path) -> None:
    """The new server has a CA of its own; it writes its kubeconfig 4.6 s after it begins to refuse the old one."""
    config = tmp_path / "k3s.yaml"
    timeline = Timeline(((0.0, float("inf")),), lambda _path, at: readyz({ROLES: 5.2}, at), 5.2)
    with Replayed(pki, timeline) as server:
        old(Pki("yesterday").kubeconfig(config, server.url))
        server.begin()
        timer = later(4.6, lambda: pki.kubeconfig(config, server.url))
        wait, lines = waited(Target(kubeconfig=config))
        noticed = server.now_s()
        timer.join()
    assert wait.verdict == "ready" and 5.2 <= noticed < 6.5
    assert wait.polls[0].error == "x509_unknown_authority"
    assert f"{config} was written anew and is used from now on" in lines


def test_the_file_is_waited_for_and_half_of_it_is_no_reason_to_give_up(pki: Pki, tmp_path: Path) -> None:
    config = tmp_path / "not" / "there" / "k3s.yaml"
    with Double(pki) as server:
        whole = pki.kubeconfig(tmp_path / "whole", server.url).read_text()

        def half() -> None:
            config.parent.mkdir(parents=True)
            config.write_text(whole[: len(whole) // 2])

        timers = [later(0.5, half), later(1.2, lambda: config.write_text(whole))]
        wait, lines = waited(Target(own_kubeconfigs=(tmp_path / "none", config)))
        for timer in timers:
            timer.join()
    assert wait.verdict == "ready" and wait.server == server.url
    assert 1.1 < wait.polls[0].departed_s < 2.5
    assert lines[0] == f"waiting for {tmp_path / 'none'} or {config} to appear"
    assert lines[1].startswith("waiting for a file that can be used: kubeconfig")


def test_the_file_of_rke2_is_found(pki: Pki, tmp_path: Path) -> None:
    with Double(pki) as server:
        rke2 = pki.kubeconfig(tmp_path / "rke2.yaml", server.url)
        assert Target().own_kubeconfigs[1] == Path("/etc/rancher/rke2/rke2.yaml")
        wait, _ = waited(Target(own_kubeconfigs=(tmp_path / "k3s.yaml", rke2)))
    assert wait.verdict == "ready"


def test_without_a_file_the_time_runs_out_and_says_so(tmp_path: Path) -> None:
    wait, _ = waited(Target(kubeconfig=tmp_path / "k"), timeout_s=0.5)
    assert wait.verdict == "timed_out" and wait.polls == ()
    assert wait.waited_for == f"{tmp_path / 'k'} to appear" and wait.reason == f"waited for {wait.waited_for}"


def test_a_file_that_was_bad_for_long_is_told_at_once_and_a_new_one_after_a_moment(tmp_path: Path) -> None:
    config = tmp_path / "k"
    config.write_text("nonsense")
    began = time.monotonic()
    with pytest.raises(BadInputError, match="not a mapping"):
        waited(Target(kubeconfig=config))
    assert 2.5 < time.monotonic() - began < 10
    began = time.monotonic()
    with pytest.raises(BadInputError, match="not a mapping"):
        waited(Target(kubeconfig=old(config)))
    assert time.monotonic() - began < 1


def test_a_refusal_is_final_once_the_file_has_stayed_the_same_long_enough(pki: Pki, tmp_path: Path) -> None:
    config = tmp_path / "k"
    with Double(pki, script=lambda _t: Act("401")) as server:
        old(pki.kubeconfig(config, server.url))
        wait, _ = waited(Target(kubeconfig=config), patience_s=5.0)
        assert wait.verdict == "fatal" and wait.end_s is not None and 5.0 <= wait.end_s < 8.0
        patient, _ = waited(Target(kubeconfig=config), timeout_s=4.5, patience_s=60.0)
        assert patient.verdict == "timed_out", "the policy alone would have given up after 3 s"


def test_without_any_file_a_refusal_is_the_policys_business(pki: Pki) -> None:
    with Double(pki, certificate=Pki("other").server()) as server:
        wait, _ = waited(Target(server=server.url))
    assert wait.verdict == "fatal" and wait.end_s is not None and wait.end_s < 6.0


def test_a_file_that_becomes_unusable_leaves_what_was_read(pki: Pki, tmp_path: Path) -> None:
    config = tmp_path / "k"
    timeline = Timeline(((0.0, float("inf")),), lambda _path, at: readyz({ROLES: 2.0}, at), 2.0)
    with Replayed(pki, timeline) as server:
        pki.kubeconfig(config, server.url)
        server.begin()
        timer = later(0.4, config.unlink)
        wait, lines = waited(Target(kubeconfig=config))
        timer.join()
    assert wait.verdict == "ready"
    assert any(line.startswith("what was read before is still used: kubeconfig") for line in lines)


def test_what_is_told_holds_no_secret(pki: Pki, tmp_path: Path) -> None:
    config = pki.kubeconfig(tmp_path / "k", "https://127.0.0.1:1", token="s3cr3t-token-value")
    lines: list[str] = []
    following = Following(Target(kubeconfig=config), told=lines.append)
    assert following.ready_to_ask()
    config.write_text(config.read_text() + "\n- token: s3cr3t-token-value: [\n")
    assert following.changed()
    assert asyncio.run(_one(following)) == "connection_refused"
    assert lines and "s3cr3t" not in " ".join(lines)


async def _one(following: Following) -> str | None:
    answer = await following.ask(2.0)
    await following.aclose()
    return answer.error


def test_a_ca_file_gives_no_hope_of_being_let_in(pki: Pki, tmp_path: Path) -> None:
    """A real k3s answers 401 to those without credentials; the file with its CA will not change that."""
    config = yaml.safe_load(pki.kubeconfig(tmp_path / "k", "https://127.0.0.1:1").read_text())
    ca = tmp_path / "ca.pem"
    ca.write_bytes(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    token = tmp_path / "token"
    token.write_text("not-of-this-cluster")
    with Double(pki, script=lambda _t: Act("401"), client_certs=False) as server:
        wait, _ = waited(Target(server=server.url, ca=ca))
        assert wait.verdict == "fatal" and wait.end_s is not None and wait.end_s < 6.0
        following = Following(Target(server=server.url, ca=ca, token_file=token))
        assert following.ready_to_ask() and asyncio.run(_one(following)) == "unauthorized"
    assert following.may_heal("unauthorized").startswith(f"waiting for {token} to be written anew")
    assert following.may_heal("x509_unknown_authority").startswith(f"waiting for {ca} to be written anew")
