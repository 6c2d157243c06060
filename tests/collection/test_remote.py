"""Inputs elsewhere, against servers on loopback: listed, read as streams, credentials shown nowhere."""

from __future__ import annotations

import base64
import bz2
import gzip
import importlib
import io
import json
import sys
import threading
from collections.abc import Iterator
from email.utils import formatdate
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analyzer import pipeline
from analyzer.collection import remote
from analyzer.collection.inputs import kind_of, open_report, readable, specs
from analyzer.collection.labels import LabelRules
from analyzer.collection.model import InputSpec
from analyzer.errors import BadInputError, UsageError
from analyzer.records.read import read_log_records
from analyzer.sources import streams
from analyzer.testing import generate, named
from tests.kit import bundles

SECRET = "hunter22Zq9"
REPORT = json.dumps({"schema": "k3slog.report", "schema_version": 1, "starts": []}).encode()


@cache
def log(carrier: str = "short-precise", seed: int = 3) -> bytes:
    return generate(named("healthy-sqlite"), seed).render(carrier)


def halves() -> tuple[bytes, bytes]:
    lines = log().splitlines(True)
    return b"".join(lines[: len(lines) // 2]), b"".join(lines[len(lines) // 2 :])


def inputs(*urls: str, labels: tuple[str, ...] = ()) -> list[InputSpec]:
    return list(specs(urls, LabelRules.of(labels)))


def starts(spec: InputSpec) -> list[object]:
    log_records, waits, errors = pipeline.read(readable(spec))
    assert not errors, [error.one_line() for error in errors]
    return [(s.outcome, s.ready.lower, s.ready.upper) for s in pipeline.report_on(log_records, waits).starts]


def failure(spec: InputSpec) -> str:
    log_records, _, [error] = pipeline.read(readable(spec))
    assert not log_records.records
    return error.one_line()


def here(tmp_path: Path, data: bytes) -> list[object]:
    path = tmp_path / "here.log"
    path.write_bytes(data)
    return starts(InputSpec(str(path), (str(path),)))


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


# -------------------------------------------------------------------------------------------- without any package


def test_without_fsspec_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match="not installed") as refused:
        inputs(f"https://user:{SECRET}@host/k3s.log")
    assert "pip install 'k3slog[remote]'" in refused.value.one_line()
    assert SECRET not in refused.value.one_line()


class Torn(io.BytesIO):
    """Ends with an error that quotes the URL."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise RuntimeError(f"lost https://user:{SECRET}@host/k3s.log\nat once")
        return data

    def close(self) -> None:
        raise RuntimeError(f"not closed: https://user:{SECRET}@host")


@pytest.mark.parametrize("data", [b"", log(), gzip.compress(log())[:-100], bundles.tar(bundles.files(log()))[:-100]])
def test_what_breaks_off_elsewhere_is_a_bad_input(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    url = remote.Url(f"https://user:{SECRET}@host/k3s.log")
    monkeypatch.setattr(remote, "open_stream", lambda url: remote._Stream(Torn(data), url, None))
    _, [error] = read_log_records(readable(InputSpec("x", (url,))))
    text = error.one_line()
    assert text.startswith("reading https://***@host/k3s.log broke off: lost https://***@host/k3s.log at once")
    assert SECRET not in text and "\n" not in text


def test_a_stream_shows_no_credential() -> None:
    with remote._Stream(Torn(b"abc"), f"https://user:{SECRET}@host/k3s.log", None) as stream:
        assert SECRET not in repr(stream)
        with pytest.raises(BadInputError) as failed:
            stream.readall()
        assert failed.value.__suppress_context__


def test_the_limits_of_files_here_hold_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RATIO_FROM", 1 << 20)
    bomb = gzip.compress(log() + b"\n" * (24 << 20))
    monkeypatch.setattr(remote, "open_stream", lambda url: remote._Stream(io.BytesIO(bomb), url, len(bomb)))
    log_records, _ = read_log_records(readable(InputSpec("x", ("https://host/k3s.log.gz",))))
    assert "times its size" in str(log_records.notes)


@pytest.mark.parametrize(
    ("info", "mtime_ns"),
    [
        ({"mtime": 1.5}, 1_500_000_000),
        ({"Last-Modified": formatdate(7, usegmt=True)}, 7_000_000_000),
        ({"Last-Modified": "yesterday"}, 0),
        ({"updated": "1970-01-01T00:00:07Z"}, 7_000_000_000),
        ({"last_modified": "1970-01-01T00:00:07"}, 7_000_000_000),
        ({}, 0),
    ],
)
def test_when_a_file_elsewhere_was_changed(info: dict[str, Any], mtime_ns: int) -> None:
    assert remote._mtime_ns(info) == mtime_ns


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("s3://bucket/node*/k3s.log", "s3://bucket/"),
        ("s3://bucket/a/node?.log", "s3://bucket/a/"),
        ("s3://bucket/a/node1.log", "s3://bucket/a/node1.log"),
        ("s3://buck*/a", "s3://"),
        ("s3://bucket/a?versionId=1", "s3://bucket/a?versionId=1"),
        ("https://host/a?b=*", "https://host/"),
        ("https://host/a?b=1", "https://host/a?b=1"),
        ("http://[::1]:80/a/*", "http://[::1]:80/a/"),
    ],
)
def test_where_a_pattern_begins(url: str, folder: str) -> None:
    assert remote._before_pattern(url) == folder


# ------------------------------------------------------------------------------------------------------- a web server


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, also to one user only, torn off, packed on the way, or forbidden."""

    asked: list[str]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.asked.append(f"{self.command} {self.path}")
        if path.startswith("/private/"):
            code = base64.b64encode(f"user:{SECRET}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {code}":
                self.send_error(401, f"not {self.headers.get('Authorization')}")
                return
        if "sig=" in query and f"sig={SECRET}" not in query:
            self.send_error(403, f"no {query}")
            return
        if path == "/torn.log":
            self.send_response(200)
            self.send_header("Content-Length", str(len(log())))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(log()[: len(log()) // 2])
            self.close_connection = True
            return
        if path == "/encoded.log":
            data = gzip.compress(log())
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)
            return
        if self.command == "GET":
            super().do_GET()
        else:
            super().do_HEAD()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    members = bundles.files(log("short"))
    write(
        folder,
        {
            "logs/node1/k3s.log": halves()[1], "logs/node1/k3s.log.1.gz": gzip.compress(halves()[0]),
            "logs/node2/k3s.log.bz2": bz2.compress(log(seed=4)), "logs/README.md": b"x", "logs/.hidden": b"x",
            "bundle.tar.gz": bundles.tar(members), "bundle.zip": bundles.zipped(members),
            "private/k3s.log": log(), "reports/r.json": REPORT, "reports/r.json.gz": gzip.compress(REPORT),
            "reports/journal.json": log("json"), "picture.log": b"\x89PNG\r\n\x1a\n" + bytes(500),
        },
    )  # fmt: skip
    handler = type("Served", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.cluster
def test_a_folder_on_a_web_server(web: str, tmp_path: Path) -> None:
    found = inputs(f"{web}/logs/", labels=("node=/(node\\d)/",))
    assert {spec.name: [str(file) for file in spec.files] for spec in found} == {
        f"{web}/logs/node1/k3s.log": [f"{web}/logs/node1/k3s.log.1.gz", f"{web}/logs/node1/k3s.log"],
        f"{web}/logs/node2/k3s.log.bz2": [f"{web}/logs/node2/k3s.log.bz2"],
    }
    assert [dict(spec.labels) for spec in found] == [{"node": "node1"}, {"node": "node2"}]
    assert found[1].size == len(bz2.compress(log(seed=4)))
    assert found[1].mtime_ns // 10**9 == int((tmp_path / "web/logs/node2/k3s.log.bz2").stat().st_mtime)
    assert starts(found[0]) == here(tmp_path, log())
    assert starts(found[1]) == here(tmp_path, log(seed=4))
    assert inputs(f"{web}/logs/*/k3s.log*", labels=("node=/(node\\d)/",)) == found
    assert inputs(f"{web}/logs/**/k3s.log*", labels=("node=/(node\\d)/",)) == found


@pytest.mark.cluster
def test_files_on_a_web_server(web: str, tmp_path: Path) -> None:
    [spec] = inputs(f"{web}/logs/node2/k3s.log.bz2")
    assert starts(spec) == here(tmp_path, log(seed=4))
    [encoded] = inputs(f"{web}/encoded.log")
    assert starts(encoded) == here(tmp_path, log())
    tar, zipped = inputs(f"{web}/bundle.tar.gz", f"{web}/bundle.zip")
    assert starts(tar) == starts(zipped) != []
    assert "is a picture" in failure(inputs(f"{web}/picture.log")[0])


@pytest.mark.cluster
def test_a_download_that_breaks_off_is_a_bad_input(web: str) -> None:
    [spec] = inputs(f"{web}/torn.log")
    _, _, [error] = pipeline.read(readable(spec))
    assert f"reading {web}/torn.log broke off" in error.one_line()


@pytest.mark.cluster
def test_reports_on_a_web_server_are_known_when_they_are_read(web: str) -> None:
    found = {spec.name.rpartition("/")[2]: kind_of(spec) for spec in inputs(f"{web}/reports/")}
    assert found == {"r.json": "report", "r.json.gz": "report", "journal.json": "log"}
    for spec in inputs(f"{web}/reports/r.json*"):
        with open_report(spec) as stream:
            assert stream.read(1 << 20) == REPORT


@pytest.mark.cluster
def test_what_is_missing_or_refused_is_a_bad_input_and_says_no_secret(web: str) -> None:
    private = web.replace("://", f"://user:{SECRET}@")
    wrong = web.replace("://", f"://user:{SECRET}wrong@")
    nobody = f"http://user:{SECRET}@127.0.0.1:9/k3s.log"
    for url, said in (
        (f"{private}/private/missing.log", "does not exist"),
        (f"{wrong}/private/k3s.log", "may not be read with these credentials"),
        (f"{wrong}/private/*.log", "may not be read with these credentials"),
        (f"{web}/logs/node1/k3s.log?sig=wrong{SECRET}", "may not be read with these credentials"),
        (nobody, "cannot be read"),
    ):
        [spec] = inputs(url)
        assert spec.size == 0
        text = failure(spec)
        assert said in text, text
        assert "\n" not in text
        for shown in (text, repr(spec), spec.name, str(spec.labels), repr(remote.as_input(url))):
            assert SECRET not in shown
        with pytest.raises(BadInputError) as failed:
            remote.expand(url)
        assert SECRET not in failed.value.one_line()
    with pytest.raises(BadInputError, match="matches no file"):
        remote.expand(f"{web}/logs/nothing*.log")


@pytest.mark.cluster
def test_credentials_in_a_url_are_used_and_not_shown(web: str, tmp_path: Path) -> None:
    private = web.replace("://", f"://user:{SECRET}@")
    for url in (f"{private}/private/k3s.log", f"{private}/private/", f"{web}/logs/node2/k3s.log.bz2?sig={SECRET}"):
        [spec] = inputs(url, labels=("all=(.*)",))
        assert starts(spec)
        for shown in (repr(spec), f"{spec}", spec.name, str(spec.labels), repr(readable(spec))):
            assert SECRET not in shown
        log_records, _, _ = pipeline.read(readable(spec))
        assert SECRET not in str(log_records.sources)
    assert inputs(f"{private}/private/")[0].name == f"{web.replace('://', '://***@')}/private/k3s.log"


@pytest.mark.cluster
def test_a_scheme_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not known"):
        inputs("nonsense://x")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    known = importlib.import_module("fsspec.registry")
    monkeypatch.setattr(known, "_registry", {})
    monkeypatch.setattr(known, "registry", {})
    with pytest.raises(UsageError, match="not installed") as refused:
        inputs("s3://bucket/x")
    assert "k3slog[remote]" in refused.value.hint


# ------------------------------------------------------------------------------------------------------------------ s3


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on an S3 server on loopback; the environment leads there."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "AKIATESTKEY00000000",
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        import s3fs

        store = s3fs.S3FileSystem(skip_instance_cache=True)
        store.mkdir("journals")
        for key, data in {
            "node1/k3s.export.gz": gzip.compress(log("export")), "node2/k3s.export.gz": gzip.compress(log("export", 4)),
            "node3/k3s.log": halves()[1], "node3/k3s.log.1": halves()[0], "node3/notes.md": b"x",
            "deep/a/b/c/k3s.log": log(), "bundle.tar.gz": bundles.tar(bundles.files(log("short"))),
            "reports/r.json": REPORT,
        }.items():  # fmt: skip
            store.pipe_file(f"journals/{key}", data)
        yield "s3://journals"
    server.stop()


@pytest.mark.cluster
def test_a_pattern_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    found = inputs(f"{bucket}/node*/k3s.export.gz", labels=("node=(node\\d)",))
    assert [(spec.name, spec.size, spec.labels) for spec in found] == [
        (f"{bucket}/node{n}/k3s.export.gz", len(gzip.compress(log("export", seed))), (("node", f"node{n}"),))
        for n, seed in ((1, 3), (2, 4))
    ]
    assert all(spec.mtime_ns > 0 for spec in found)
    assert [starts(spec) for spec in found] == [here(tmp_path, log("export", seed)) for seed in (3, 4)]


@pytest.mark.cluster
def test_a_whole_bucket(bucket: str, tmp_path: Path) -> None:
    found = inputs(bucket)
    assert [spec.name.removeprefix(f"{bucket}/") for spec in found] == [
        "bundle.tar.gz", "deep/a/b/c/k3s.log", "node1/k3s.export.gz", "node2/k3s.export.gz", "node3/k3s.log",
        "reports/r.json",
    ]  # fmt: skip
    assert found[4].files == (f"{bucket}/node3/k3s.log.1", f"{bucket}/node3/k3s.log")
    assert starts(found[0]) != []
    assert starts(found[4]) == here(tmp_path, log())
    assert kind_of(found[5]) == "report"
    assert [spec.name for spec in inputs(f"{bucket}/deep/")] == [f"{bucket}/deep/a/b/c/k3s.log"]


@pytest.mark.cluster
def test_what_a_bucket_does_not_have(bucket: str) -> None:
    for url, said in (
        (f"{bucket}/missing.log", "does not exist"),
        ("s3://no-such-bucket/k3s.log", "does not exist"),
        (f"{bucket}/none*/x.log", "matches no file"),
        ("s3://journal*/x.log", "cannot be read"),
    ):
        [spec] = inputs(url)
        text = failure(spec)
        assert said in text and url in text and SECRET not in text


@pytest.mark.cluster
def test_a_large_object_is_never_held_whole(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    pieces: list[int] = []
    fetch = s3fs.core._fetch_range

    def counted(*args: Any, **kwargs: Any) -> bytes:
        data: bytes = fetch(*args, **kwargs)
        pieces.append(len(data))
        return data

    monkeypatch.setattr(s3fs.core, "_fetch_range", counted)
    s3fs.S3FileSystem(skip_instance_cache=True).pipe_file("journals/large/k3s.log", log() + b"\n" * (24 << 20))
    [spec] = inputs(f"{bucket}/large/k3s.log")
    assert starts(spec)
    assert max(pieces) <= 6 << 20 and len(pieces) > 3
