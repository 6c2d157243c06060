"""Kubeconfig files, credentials from options, and lengths of time."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from analyzer.errors import BadInputError, UsageError
from analyzer.live.durations import parse_duration
from analyzer.live.kubeconfig import Access, default_paths, load
from analyzer.live.target import Target, access_of
from analyzer.live.transport import HttpProber
from tests.live.double import Pki

SERVER = "https://127.0.0.1:6443"


def written(path: Path, **changes: Any) -> Path:
    """A kubeconfig by hand; ``changes`` are merged into the cluster (``c_…``), the user (``u_…``) or the top."""
    cluster: dict[str, Any] = {"server": SERVER}
    user: dict[str, Any] = {}
    top: dict[str, Any] = {"current-context": "here"}
    for name, value in changes.items():
        part, _, key = name.partition("_")
        {"c": cluster, "u": user}.get(part, top)[(key if part in "cu" else name).replace("_", "-")] = value
    top.setdefault("clusters", [{"name": "C", "cluster": cluster}])
    top.setdefault("users", [{"name": "U", "user": user}])
    top.setdefault("contexts", [{"name": "here", "context": {"cluster": "C", "user": "U"}}])
    path.write_text(yaml.safe_dump(top))
    return path


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_kubeconfig_k3s_writes(pki: Pki, tmp_path: Path) -> None:
    access = load([pki.kubeconfig(tmp_path / "k3s.yaml", SERVER)])
    assert access.server == SERVER
    assert access.ca is not None and access.ca.text == pki.ca_pem
    assert access.key is not None and "PRIVATE KEY" in access.key.text
    assert "PRIVATE KEY" not in repr(access)


def test_files_are_relative_to_the_kubeconfig_and_data_wins(pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("from file")
    (tmp_path / "t").write_text("tok\n")
    path = written(tmp_path / "k", c_certificate_authority="ca.pem", u_tokenFile="t")
    access = load([path])
    assert access.ca is not None and access.ca.text == "from file"
    assert access.token == "tok"
    path = written(tmp_path / "k", c_certificate_authority="ca.pem", c_certificate_authority_data=b64("from data"))
    access = load([path])
    assert access.ca is not None and access.ca.text == "from data"


def test_several_files_the_first_to_name_wins(tmp_path: Path) -> None:
    first = tmp_path / "1"
    first.write_text(yaml.safe_dump({"clusters": [{"name": "C", "cluster": {"server": "https://first:1"}}]}))
    second = written(tmp_path / "2")
    assert load([first, second]).server == "https://first:1"


def test_what_is_not_used_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "k", u_username="a", u_password="hunter2", c_proxy_url="http://proxy:1")
    notes = " ".join(load([path]).notes)
    assert "proxy-url" in notes and "password" in notes and "hunter2" not in notes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid YAML"),
        ("- a\n- b\n", "not a mapping"),
        ("a: 1\n", "no current-context"),
        ("current-context: x\n", "no context named"),
        ("current-context: x\nclusters: 3\n", "not a list"),
        ("current-context: x\nclusters:\n- cluster: {}\n", "has no name"),
        ("\x00\x01", "not valid YAML"),
        ("a: &a [*a, *a]\ncurrent-context: 3\n", "no current-context"),
    ],
)
def test_broken_files_are_bad_input(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(BadInputError, match=says) as caught:
        load([path])
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"c_server": ""}, "no server"),
        ({"c_certificate_authority_data": "%%%"}, "not base64"),
        ({"u_client_certificate_data": b64("x")}, "come together"),
        ({"u_exec": {"command": "aws"}}, "not run here"),
        ({"u_token": "a\nb"}, "not one line"),
        ({"c_certificate_authority": "missing.pem"}, "missing.pem"),
        ({"c_certificate_authority": 5}, "not a path"),
    ],
)
def test_unusable_entries_are_bad_input(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        load([written(tmp_path / "k", **changes)])


def test_yaml_errors_do_not_quote_the_file(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text("users:\n- name: a\n  user:\n    token: s3cr3t: oops: [\n")
    with pytest.raises(BadInputError) as caught:
        load([path])
    assert "s3cr3t" not in caught.value.one_line() and "line 4" in caught.value.message


def test_missing_folder_huge_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        load([tmp_path / "no"])
    with pytest.raises(BadInputError, match="folder"):
        load([tmp_path])
    (tmp_path / "big").write_bytes(b"a" * (1 << 21))
    with pytest.raises(BadInputError, match="too large"):
        load([tmp_path / "big"])
    (tmp_path / "bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="not text"):
        load([tmp_path / "bin"])


def test_default_is_k3s_own_file_then_the_environment(tmp_path: Path) -> None:
    own, env = tmp_path / "k3s.yaml", tmp_path / "env"
    with pytest.raises(BadInputError, match="not set"):
        default_paths(None, [own])
    with pytest.raises(BadInputError, match="does not exist"):
        default_paths(str(env), [own])
    env.write_text("")
    assert default_paths(f"{env}:{tmp_path / 'gone'}", [own]) == (env,)
    own.write_text("")
    assert default_paths(str(env), [own]) == (own,)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_k3s_file_gives_way_to_the_environment(tmp_path: Path) -> None:
    own, env = tmp_path / "k3s.yaml", tmp_path / "env"
    own.write_text("")
    own.chmod(0)
    env.write_text("")
    assert default_paths(str(env), [own]) == (env,)
    with pytest.raises(BadInputError, match="sudo"):
        load(default_paths(None, [own]))


def test_options_win_over_the_kubeconfig(pki: Pki, tmp_path: Path, client_files: dict[str, Path]) -> None:
    config = pki.kubeconfig(tmp_path / "k", SERVER)
    token = tmp_path / "t"
    token.write_text("tok")
    access = access_of(Target(server="https://[::1]:7", kubeconfig=config, token_file=token))
    assert (access.server, access.token, access.cert) == ("https://[::1]:7", "tok", None)
    assert access.ca is not None and access.ca.text == pki.ca_pem
    files = client_files
    access = access_of(Target(kubeconfig=config, cert=files["cert"], key=files["key"], insecure=True))
    assert access.insecure and access.cert is not None and access.cert.text == files["cert"].read_text()


def test_with_server_and_credentials_no_kubeconfig_is_read(client_files: dict[str, Path], tmp_path: Path) -> None:
    access = access_of(Target(server=SERVER, ca=client_files["ca"], own_kubeconfigs=(tmp_path / "none",)))
    assert access.cert is None and access.token is None and access.ca is not None


def test_a_server_alone_is_asked_without_credentials_by_the_systems_trust_store(pki: Pki, tmp_path: Path) -> None:
    config = pki.kubeconfig(tmp_path / "k", "https://127.0.0.1:1")
    for others in ({}, {"env_kubeconfig": str(config)}, {"own_kubeconfigs": (config,)}):
        access = access_of(Target(server=SERVER, **others))
        assert access == Access(SERVER)
        assert HttpProber(access).anonymous


def test_contradictions_are_usage_errors(tmp_path: Path, client_files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="together"):
        access_of(Target(server=SERVER, cert=client_files["cert"]))
    with pytest.raises(UsageError, match="contradict"):
        access_of(Target(server=SERVER, ca=client_files["ca"], insecure=True))
    with pytest.raises(UsageError, match="https"):
        access_of(Target(server="nonsense"))
    # The same address in a file is the file's fault.
    with pytest.raises(BadInputError, match="https"):
        access_of(Target(kubeconfig=written(tmp_path / "k", c_server="nonsense")))


@pytest.mark.parametrize("text", ["", "two\nlines", "with space", "nön"])
def test_token_files_that_hold_no_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t"
    path.write_text(text)
    with pytest.raises(BadInputError) as caught:
        access_of(Target(server=SERVER, token_file=path))
    assert not text.strip() or text.split()[0] not in caught.value.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("90", 90), ("1.5h", 5400), (" 2M ", 120)],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5s", "5d", "m", "1h 2m", "nan", "inf", "1e3", "8000h", "٣s", "5 m s"]
)
def test_not_lengths_of_time(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)
