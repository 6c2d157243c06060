"""A name that holds a secret gives it away in no quoting and no carrier: every kind, through everything around it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from analyzer.events.redaction import mask_secrets, names_secret

SECRET = "S3CRETv4lue"
HASH = "0123456789abcdef" * 4

# "%s" is the secret.
KINDS = [
    # YAML, INI and the like
    'token: "%s"', 'etcd-s3-secret-key: "%s"', "agent-token: '%s'", '  token:   "%s"', '- token: "%s"', "token: %s",
    "token = %s", 'token = "%s"', 'token := "%s"', '"token" => "%s"', "cluster-secret: %s", "apikey: %s",
    'apiKey: "%s"',
    'private_key: "%s"', "preshared-key: %s", "encryptionKey: %s", "PrivateKey = %s", "node-password: %s",
    "secretKey: %s",
    's3.secret_key = "%s"', 'OAUTH_CLIENT_SECRET: "%s"', '\tpassword: "%s"', 'token:"%s"', "password='it''s %s'",
    # JSON, Go, XML
    '"token": "%s"', '"auth":"%s"', '{"private_key":"%s"}', '{"dbPass":"%s"}', '"secret-key":"%s"',
    '{Token:%s Server:x}',
    "&{Server:x, Token:%s}", 'map[string]string{"token":"%s"}', 'Config{Password:"%s", X:1}', "<password>%s</password>",
    '{\\"token\\":\\"%s\\"}', '{\\\\\\"token\\\\\\":\\\\\\"%s\\\\\\"}', 'x \\"token: \\\\\\"%s\\\\\\"\\"',
    '"password":"%s',
    # variables and options
    "K3S_CLUSTER_SECRET=%s", "DB_PASS=%s", 'MYSQL_PASS="%s"', "MYSQL_PWD=%s", "PGPASSWORD=%s psql", "db_pwd=%s",
    "pwd=%s",
    "psk=%s", 'wpa-psk="%s"', "api_key=%s", 'api-key="%s"', "JWT_SECRET=%s", "SECRET=%s", "client_secret=%s",
    "smtpPass=%s",
    "--cluster-secret %s", "--cluster-secret=%s", "--pass %s", "-token %s", '["--token","%s"]', '["--token=%s"]',
    "--set=auth.password=%s", "spring.datasource.password=%s", 'Environment="K3S_TOKEN=%s" "X=y"', 'K3S_TOKEN=pa"%s',
    "K3S_TOKEN=pa\\%s", 'password="a\\"%s"', 'password=\\"a\\\\\\"%s\\"', '"password=""%s"""', 'a,"token=""x %s""",b',
    # headers
    "Authorization: %s", "Authorization: Token %s", "Authorization: Basic %s", "authorization: ApiKey %s",
    "-H 'Authorization: token %s'", "map[Authorization:[Basic %s] Accept:[x]]", '"Authorization": ["%s"]',
    'Authorization: Digest username="bob", realm="x", response="%s"', "Proxy-Authorization: Negotiate %s",
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, SignedHeaders=host, Signature=%s",
    "X-Auth-Token: %s", 'curl -H "X-Vault-Token: %s" x', "Cookie: session=%s; b=c", "Set-Cookie: a=%s; Path=/",
    # data sources and URLs
    f"K10{HASH}::%s", "k3s:%s@db:3306", "root:%s@db:3306/k3s", "root:%s@/k3s", "root:%s@(db:3306)/k3s",
    "--datastore-endpoint=k3s:%s@10.0.0.1:3306/db", "postgres://u:pa %s@h", "dial postgres://u:p a b %s@h/x failed",
    "https://u:pa %s@h/", "mysql://u:%s@(h)/db", "redis://:%s@h:6379/0", "ftp://u:a%%40%s@h", "?api_key=%s&x=1",
    "https://x/y?X-Amz-Algorithm=A&X-Amz-Credential=%s&X-Amz-Signature=1", "https://x/y?X-Amz-Signature=%s",
    "https://x/y?a=b\\u0026X-Amz-Signature=%s\\u0026x=1", "https://x/y?a=b&Signature=%s&Expires=1",
    "https://x/?sig=%s&se=2",
    "https://x/?a=b%%26X-Goog-Signature%%3D%s", "https://x/?AWSAccessKeyId=%s&Expires=1", "https://x/cb?code=%s",
    "AccountKey=%s;EndpointSuffix=core", 'msg="bad config: \\ntoken: %s\\nserver: x"',
]  # fmt: skip


# A word of a sentence that names a secret, and the value behind it.
SAID = [
    'the bootstrap token "%s" was not of the form "x"', 'token "%s"', "token '%s'", "Token %s rejected",
    "passphrase %s is wrong", "wrong passphrase: %s", "password %s", "invalid password (%s)",
    'the password was "%s".', 'pass "%s"', "pass %s", "secretbox key: %s", 'API key "%s"', "token is %s",
    "Encryption key %s of secretbox",
    "agent-token-file content %s", 'agent-token-file content "%s"', "token [%s] unknown", "K3S_TOKEN %s",
    "the token `%s` is bad", "dial postgresql:// k3s:%s @host", "dial mysql:// root: %s @host",
    'a,"msg=""token \\""%s\\"" is bad""",b', 'invalid value "%s" for flag -token: x',
]  # fmt: skip


def logrus(text: str) -> str:
    return 'time="2026-03-01T06:03:22Z" level=info msg=' + json.dumps(text)


AROUND: dict[str, Callable[[str], str]] = {
    "bare": str,
    "short": lambda text: "Mar 01 06:03:22 h k3s[1]: " + text,
    "logrus": logrus,
    "amid": lambda text: "level=error err=" + json.dumps(f"x: {text}, y"),
    "json": lambda text: json.dumps({"MESSAGE": text, "_HOSTNAME": "h"}),
    "logrus in json": lambda text: json.dumps({"MESSAGE": logrus(text)}),
    "json in json": lambda text: json.dumps({"log": json.dumps({"MESSAGE": logrus(text)})}),
}


@pytest.mark.parametrize("kind", [*KINDS, *SAID])
def test_no_quoting_and_no_carrier_gives_it_away(kind: str) -> None:
    for name, around in AROUND.items():
        text = around(kind % SECRET)
        masked = mask_secrets(text)
        assert SECRET not in masked, name
        assert mask_secrets(masked) == masked, name
        if "json" in name:
            json.loads(masked)  # what stands around it is whole


KEY = base64.b64encode(bytes(range(100, 132))).decode()


@pytest.mark.parametrize(
    "token",
    ["ASIAIOSFODNN7EXAMPLE", "github_pat_11ABCDEFG0abcdefghij_klmnop", "glpat-abcdefABCDEF12345678",
     "hvs.CAESIabcdefghijklmnopqr",
     "xoxb-123456789012-abcdef", KEY, "MIIEp4IBAAKCAQEA" * 4, "sk-ant-api03-abcdefgh", "npm_abcdefghijklmnop"],
)  # fmt: skip
def test_tokens_are_known_by_their_shape(token: str) -> None:
    for name, around in AROUND.items():
        assert token not in mask_secrets(around(f"read {token} here")), name


@pytest.mark.parametrize(
    "text",
    [
        'secret="kube-system/k3s-serving"', "--etcd-s3-config-secret=backup-keys",
        "sudo: bob : PWD=/home/x ; USER=root",
        "docker.io/rancher/pause:3.6@sha256:" + HASH, "busybox:1.36@sha256:" + HASH, "registry:5000/x@y",
        "commit " + HASH[:40],
        "signed by CN=k3s-client-ca@1772345002", "Unit user@1000.service, getty@tty1", "Basic Authentication works",
        'msg="Password verified locally for node x"', 'key=value key: x "key":"kube-system/x"',
        "bypass=1 compass: north",
        "error getting token: \"/var/lib/rancher/k3s/server/token\": no such file", "keyfile=/x privateKey: true",
        "--kubelet-client-key=/var/lib/rancher/k3s/server/tls/client.key --authorization-mode=Node,RBAC",
        "kubernetes-admin@kubernetes", "invalid token: x509: certificate is not valid", "SHA256:" + KEY[:43],
        "lease=7587880234324 uid=0f8fad5b-d9cd-469f-a165-70867728950e tokens: 12", "2026-03-01 06:03:22@x",
    ],
)  # fmt: skip
def test_ordinary_words_stay(text: str) -> None:
    assert mask_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "token is required", "token must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD>", "invalid token format",
        "Use --token instead.", "--token without a value", 'msg="invalid token " err="abc1234"', 'invalid token "": x',
        'token "/var/lib/rancher/k3s/server/token" not found', "token x509: certificate signed by",
        'pass "--token" to it', "token rke2-agent differs", "password 10.0.0.1:6443", "token v1.33.4+k3s1",
        "token 2026-03-01T06:03:22Z",
        "token https://10.0.0.1:6443/x1", "token expires in 23h59m59s", "passed 100000000 bytes", "token [$K3S_TOKEN2]",
        "private key /x/a1b2c3.key", "password ***",
        "password file 'a1b2c3.csv' must have at least 3 columns",
    ],
)  # fmt: skip
def test_what_sentences_say_of_secrets_stays(text: str) -> None:
    for name, around in AROUND.items():
        assert mask_secrets(around(text)) == around(text), name


def test_fields_are_known_by_their_names() -> None:
    names = ("token", "K3S_TOKEN", "secret-key", "secret", "key", "tokens", "")
    assert [name for name in names if names_secret(name)] == ["token", "K3S_TOKEN", "secret-key"]
