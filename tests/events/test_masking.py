"""Secrets are masked; everything else stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.events.masking import mask_secrets

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"K3S_TOKEN=K10{HASH}::server:S3CRET",
        f'token="K10{HASH}::node:S3CRET"',
        f"failed to validate token K10{HASH}::server:S3CRET: x",
        "k3s server --token S3CRET --cluster-init",
        "k3s server --token=S3CRET",
        "--agent-token=S3CRET",
        "--etcd-s3-secret-key=S3CRET",
        "AWS_SECRET_ACCESS_KEY=S3CRET",
        "mysql://root:S3CRET@tcp(db:3306)/k3s",
        "root:S3CRET@tcp(db:3306)/k3s",
        "postgres://k3s:S3CRET@db:5432/k3s?sslmode=disable",
        "https://user:S3CRET@proxy.local:3128",
        "host=db user=k3s password=S3CRET dbname=k3s",
        '{"token":"S3CRET","x":1}',
        r"msg=\"x\" token=\\\"S3CRET\\\"",
        '["server","--token","S3CRET"]',
        "Authorization: Bearer S3CRET",
        "Authorization: Basic S3CRET",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.S3CRET",
        "-----BEGIN RSA PRIVATE KEY-----\nS3CRET",
    ],
)
def test_secrets_do_not_get_through(text: str) -> None:
    masked = mask_secrets(text)
    assert "S3CRET" not in masked
    assert "***" in masked
    assert mask_secrets(masked) == masked


def test_bootstrap_tokens() -> None:
    assert mask_secrets("joining with abcdef.0123456789abcdef now") == "joining with *** now"


@pytest.mark.parametrize(
    "text",
    [
        "failed to validate token: failed to get CA certs: Get \"https://10.0.0.1:6443/cacerts\": EOF",
        "token CA hash does not match the Cluster CA certificate hash: 01ab != 02cd",
        "Server node token is available at /var/lib/rancher/k3s/server/token",
        "To join node: k3s agent -s https://10.0.0.1:6443 -t ${SERVER_NODE_TOKEN}",
        "Running kube-apiserver --enable-bootstrap-token-auth=true --token-auth-file=/x --service-account-key-file=/y",
        'secret="kube-system/k3s-serving"',
        "bootstrap data already found and encrypted with different token",
        "poststarthook/start-legacy-token-tracking-controller ok",
        'time="2026-01-01T00:00:00Z" level=info msg="Starting k3s v1.32.4+k3s1 (6b330558)"',
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask_secrets(text)
    assert mask_secrets(once) == once
