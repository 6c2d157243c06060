"""No credential of a URL is ever shown."""

from __future__ import annotations

import pickle
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from analyzer.collection.urls import Url, is_url, mask_text, mask_url
from analyzer.events.redaction import mask_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/node1/k3s.export.gz", "s3://bucket/node1/k3s.export.gz"),
        ("s3://bucket/node?/k3s.log", "s3://bucket/node?/k3s.log"),
        ("https://host/logs/k3s.log?node=7", "https://host/logs/k3s.log?node=7"),
        ("HTTP://user:secret@host:8080/a", "http://***@host:8080/a"),
        ("ssh://admin@host/var/log/k3s.log", "ssh://***@host/var/log/k3s.log"),
        ("http://ghpsecret@host/a", "http://***@host/a"),
        ("http://user:p@ss@host/a", "http://***@host/a"),
        ("http://user:pa/ss@host/a@b", "http://***@host/a@b"),
        ("http://host:8080/a@b:c", "http://host:8080/a@b:c"),
        ("http://[::1]:8080/a@b", "http://[::1]:8080/a@b"),
        ("https://h/a?X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=abc&node=7", "https://h/a?node=7&***"),
        ("https://h/a?sv=2024&sig=abc%3D&node-id=7", "https://h/a?sv=2024&node-id=7&***"),
        ("https://h/a?access_token=abc", "https://h/a?***"),
        ("https://h/a?v=0123456789abcdef0123456789abcdef", "https://h/a?***"),
        ("https://h/a#access_token=abc", "https://h/a?***"),
        ("az://container/a?sv=1&sig=abc", "az://container/a?sv=1&***"),
        ("s3://bucket/a?versionId=abc", "s3://bucket/a?versionId=abc"),
        ("abfs://box@account.example/a", "abfs://box@account.example/a"),
        ("abfs://user:secret@account.example/a", "abfs://***@account.example/a"),
    ],
)
def test_urls_are_shown_without_credentials(url: str, shown: str) -> None:
    assert mask_url(url) == shown
    assert mask_url(shown) == shown
    assert mask_secrets(shown) == shown, "other masks leave it"


def test_a_url_shows_itself_masked_and_opens_as_it_is() -> None:
    plain = "https://user:hunter22@host/k3s.log?sig=Abc123"
    url = Url(plain)
    for text in (str(url), repr(url), f"{url}", f"{url!r}", "%s" % url, f"{(url,)}", "{:>5}".format(url)):  # noqa: UP031, UP032
        assert "hunter22" not in text and "Abc123" not in text
        assert "https://***@host/k3s.log?***" in text
    assert url.plain == plain
    assert type(url.plain) is str
    again = pickle.loads(pickle.dumps(url))
    assert type(again) is Url and again.plain == plain


SECRET = st.text("abcdefghijkXYZ0123456789/@:+%=", min_size=6, max_size=20).map(lambda text: f"Zq{text}9")


@given(SECRET)
def test_no_password_is_left(secret: str) -> None:
    code = quote(secret, safe="")
    for url in (f"https://user:{code}@host/x", f"ssh://user:{code}@host/x", f"https://host/x?token={code}&n=1"):
        assert secret not in mask_url(url) and code not in mask_url(url)
        said = f"cannot open {url!r}: user gave {secret} or {code} to (https://user:{code}@other)"
        told = mask_text(said, url)
        assert secret not in told and code not in told


def test_words_of_errors_are_one_line() -> None:
    assert mask_text("a\n b\x0b c") == "a b c"


def test_what_is_a_url() -> None:
    for path in ("s3://bucket/x", "https://h/x", "ssh://h/x", "memory://x"):
        assert is_url(path)
    for path in ("k3s.log", "/var/log", "C:\\logs", "c://x", "-", "s3:/x", "://x", "a b://x"):
        assert not is_url(path)


def test_a_file_of_that_name_is_no_url(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    monkeypatch.chdir(folder)
    (folder / "s3:" / "x").mkdir(parents=True)
    assert not is_url("s3://x")
