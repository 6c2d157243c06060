"""The reader of k3s' own kubeconfigs: it says what PyYAML says, or that it cannot say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from analyzer.live.plain_yaml import plain
from tests.live.double import Pki

# As clientcmd.WriteToFile writes it for k3s (docs of k3s, "Cluster Access"), the data shortened.
K3S = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSQo=
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
    client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0t
"""


def test_k3s_own_file_is_read_without_the_library() -> None:
    found = plain(K3S)
    assert found is not None and found == yaml.safe_load(K3S)
    assert found["users"][0]["user"]["client-key-data"].startswith("LS0t")


def test_the_file_of_the_double_is_plain(pki: Pki, tmp_path: Path) -> None:
    text = pki.kubeconfig(tmp_path / "k", "https://127.0.0.1:6443").read_text()
    assert plain(text) == yaml.safe_load(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\n",
        "a: yes\n",
        "a: No\n",
        "a: null\n",
        "a: ~\n",
        "a: .inf\n",
        "a: 2001-01-01\n",
        "a: b c\n",
        "a: b: c\n",
        "a: b:\n",
        'a: "b"\n',
        "a: &x b\n",
        "a: |\n  b\n",
        "a: b # c\n",
        "a: b\na: c\n",
        "a:\n",
        "a:\n- b\n",
        "a:\n- - b: c\n",
        "a: b\n  c: d\n",
        "\ta: b\n",
        "a: ä\n",
        "no: b\n",
        "a: {b: c}\n",
        "a: b\n...\n",
    ],
)
def test_anything_else_is_left_to_the_library(text: str) -> None:
    assert plain(text) is None


LINES = st.sampled_from(K3S.splitlines()) | st.sampled_from(
    ["- name: x", "  y: z", "    b:", "- a:", "true: x", "a: 0x1", "a: e3", "- ", "#", "a: b=", "  - c: d", "---"]
)


@given(st.lists(LINES, max_size=12).map("\n".join))
@settings(max_examples=300)
def test_what_it_reads_is_what_the_library_reads(text: str) -> None:
    found = plain(text)
    if found is not None:
        assert found == yaml.safe_load(text)


@pytest.mark.long
def test_every_cut_and_change_of_a_character_is_read_alike_or_left_alone() -> None:
    rng = random.Random(18)
    alike = 0
    for _ in range(4000):
        at = rng.randrange(len(K3S))
        text = K3S[:at] + rng.choice(["", ":", " ", "-", "#", "1", "\n", "é", "'", "{"]) + K3S[at + rng.randrange(3) :]
        found = plain(text)
        if found is not None:
            assert found == yaml.safe_load(text), text
            alike += 1
    assert alike > 400, "the check must not be empty"
