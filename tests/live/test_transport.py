"""One poll against the double: every way a server can answer or fail, classified from the real bytes."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import BadInputError, UsageError
from analyzer.live.answers import classify_answer, retry_after, visible
from analyzer.live.kubeconfig import Access, Pem
from analyzer.live.observed_polls import Answer
from analyzer.live.transport import BODY_LIMIT, HttpProber, checked_server, tls_context
from tests.live.double import PING, Act, Double, Pki
from tests.live.replayed import Replayed, Timeline


def access(pki: Pki, server: str, **changes: Any) -> Access:
    cert, key = pki.issue("system:admin", client=True)
    base = Access(server, ca=Pem(pki.ca_pem, "ca"), cert=Pem(cert, "cert"), key=Pem(key, "key"))
    return dataclasses.replace(base, **changes)


def poll(where: Access, limit_s: float = 5.0) -> Answer:
    async def one() -> Answer:
        prober = HttpProber(where)
        try:
            return await prober.ask(limit_s)
        finally:
            await prober.aclose()

    return asyncio.run(one())


def test_ready_answer_lists_every_check_and_presents_the_client_certificate(pki: Pki) -> None:
    with Double(pki, {"poststarthook/a": 0.0}) as server:
        answer = poll(access(pki, server.url))
    assert (answer.error, answer.status, answer.failing) == (None, 200, ())
    assert answer.ok == (*PING, "poststarthook/a")
    (seen,) = server.requests()
    assert seen.path == "/readyz?verbose="
    assert seen.peer == "system:admin"
    assert seen.headers is not None and "authorization" not in seen.headers
    assert seen.headers["host"] == server.url.removeprefix("https://")


def test_failing_list_names_what_fails_and_what_passes(pki: Pki) -> None:
    with Double(pki, {"poststarthook/a": 0.0, "poststarthook/b": 99.0}) as server:
        answer = poll(access(pki, server.url))
    assert (answer.error, answer.status, answer.failing) == ("readyz_failing", 500, ("poststarthook/b",))
    assert "poststarthook/a" in answer.ok
    assert not answer.cut


@pytest.mark.parametrize(
    ("act", "error", "status"),
    [
        (Act("503"), "service_unavailable", 503),
        (Act("500text"), "not_ready_text", 500),
        (Act("500"), "server_error", 500),
        (Act("502"), "server_error", 502),
        (Act("401"), "unauthorized", 401),
        (Act("403"), "forbidden", 403),
        (Act("404"), "not_found", 404),
        (Act("400"), "bad_listener", 400),
        (Act("405"), "bad_listener", 405),
        (Act("409"), "bad_listener", 409),
        (Act("429", retry_after="3"), "too_many_requests", 429),
        (Act("504"), "gateway_timeout", 504),
        (Act("302"), "other", 302),
        (Act("portal"), "other", 200),
        (Act("garbage"), "other", None),
        (Act("eof"), "eof", None),
        (Act("eof_tcp"), "eof", None),
        (Act("reset"), "connection_reset", None),
        (Act("hang"), "deadline_exceeded", None),
        (Act("hang_tcp"), "tls_timeout", None),
        (Act("drip"), "deadline_exceeded", None),
    ],
    ids=lambda value: value.kind if isinstance(value, Act) else "",
)
def test_every_misbehaviour_has_its_class(pki: Pki, act: Act, error: str, status: int | None) -> None:
    with Double(pki, script=lambda _t: act) as server:
        silent = act.kind in ("hang", "hang_tcp", "drip")
        answer = poll(access(pki, server.url), limit_s=0.6 if silent else 15.0)
    assert (answer.error, answer.status) == (error, status), answer.text
    assert answer.text
    assert not silent or "within 0.6 s" in answer.text, "the limit must hold for the whole poll"
    assert answer.retry_after_s == (3.0 if act.retry_after else None)
    assert len(server.requests()) == 1


def test_supervisors_status_message_is_kept(pki: Pki) -> None:
    with Double(pki, script=lambda _t: Act("503")) as server:
        assert poll(access(pki, server.url)).message == "apiserver not ready"


def test_endless_body_is_cut(pki: Pki) -> None:
    with Double(pki, script=lambda _t: Act("huge")) as server:
        answer = poll(access(pki, server.url))
    assert answer.cut and answer.status == 500
    assert len(answer.text) < 1000
    assert BODY_LIMIT == 65536


def test_refused_while_nothing_listens(pki: Pki) -> None:
    double = Double(pki, listen_at_s=60.0)
    with double:
        assert poll(access(pki, double.url)).error == "connection_refused"
    assert double.requests() == []


def test_ipv6(pki: Pki) -> None:
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with Double(pki, host="::1") as server:
        assert "[::1]" in server.url
        assert poll(access(pki, server.url)).error is None


@pytest.mark.parametrize(
    ("certificate", "error"),
    [({"expired": True}, "x509_time"), ({"names": ("10.0.0.1", "other.example")}, "x509_name")],
    ids=["expired", "name"],
)
def test_bad_server_certificates(pki: Pki, certificate: dict[str, Any], error: str) -> None:
    with Double(pki, certificate=pki.server(**certificate)) as server:
        assert poll(access(pki, server.url)).error == error


def test_server_of_another_ca(pki: Pki) -> None:
    with Double(pki, certificate=Pki("other").server()) as server:
        assert poll(access(pki, server.url)).error == "x509_unknown_authority"
        assert poll(access(pki, server.url, insecure=True)).error is None


def test_name_of_the_kubeconfig_is_checked_instead_of_the_address(pki: Pki) -> None:
    with Double(pki, certificate=pki.server(names=("kubernetes.default",))) as server:
        assert poll(access(pki, server.url)).error == "x509_name"
        assert poll(access(pki, server.url, tls_server_name="kubernetes.default")).error is None


@pytest.mark.parametrize("whose", ["none", "stranger"])
def test_client_certificate_the_server_does_not_take(pki: Pki, whose: str) -> None:
    cert, key = Pki("stranger").issue("eve", client=True)
    pair = {"cert": None, "key": None} if whose == "none" else {"cert": Pem(cert), "key": Pem(key)}
    with Double(pki) as server:
        answer = poll(access(pki, server.url, **pair))
    # TLS 1.3 tells the client only after the handshake, where the alert may lose a race against the closing socket.
    assert answer.error in ("unauthorized", "eof", "connection_reset"), answer.text


def test_http_where_https_was_expected(pki: Pki) -> None:
    with Double(pki, plain_http=True, script=lambda _t: Act("400")) as server:
        # What speaks first differs: a plain HTTP server waits for a request line and gets a TLS hello.
        answer = poll(access(pki, server.url), limit_s=0.5)
        assert answer.error in ("bad_listener", "tls_timeout", "eof")


def test_non_tls_answer_to_a_hello_is_a_wrong_listener(pki: Pki) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    import threading

    def speak() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent a TLS hello to an HTTP server\n")
        connection.close()

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        answer = poll(access(pki, f"https://127.0.0.1:{listener.getsockname()[1]}"))
    finally:
        listener.close()
        thread.join(2)
    assert answer.error == "bad_listener"


def asked(where: Access, times: int, pause_s: float = 0.0) -> list[Answer]:
    async def main() -> list[Answer]:
        prober = HttpProber(where)
        answers = []
        for _ in range(times):
            answers.append(await prober.ask(5.0))
            await asyncio.sleep(pause_s)
        await prober.aclose()
        return answers

    return asyncio.run(main())


READY = Timeline(((0.0, float("inf")),), lambda _path, _at: (200, "ok", "text/plain"), 0.0)


def test_polls_share_a_connection_while_the_server_leaves_it_open(pki: Pki) -> None:
    with Replayed(pki, READY) as server:
        answers = asked(access(pki, server.url), 5)
    assert [a.error for a in answers] == [None] * 5
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_connection_that_the_server_closed_is_replaced_within_the_poll(pki: Pki) -> None:
    """A server that hangs up on every second request of a connection, without a word before."""
    count = 0

    def answers(_path: str, _at: float) -> tuple[int, str, str] | None:
        nonlocal count
        count += 1
        return None if count % 3 == 2 else (200, "ok", "text/plain")

    with Replayed(pki, Timeline(((0.0, float("inf")),), answers, 0.0)) as server:
        found = asked(access(pki, server.url), 4)
    assert [a.error for a in found] == [None] * 4
    assert server.connections == 3 and len(server.requests) == 6, "the one that was cut off is asked again"


def test_a_server_that_hangs_up_on_a_new_connection_has_not_answered(pki: Pki) -> None:
    with Replayed(pki, Timeline(((0.0, float("inf")),), lambda _path, _at: None, 0.0)) as server:
        (answer,) = asked(access(pki, server.url), 1)
    assert answer.error == "eof" and len(server.requests) == 1


def test_a_server_that_ends_while_the_connection_is_kept_is_refused(pki: Pki) -> None:
    with Double(pki) as server:
        prober_access = access(pki, server.url)
        assert asked(prober_access, 1)[0].error is None
    assert asked(prober_access, 1)[0].error == "connection_refused"


def test_proxies_of_the_environment_are_ignored(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Double(pki) as server:
        assert poll(access(pki, server.url)).error is None


def test_token_is_sent_and_never_shown(pki: Pki) -> None:
    secret = "s3cr3t-token-value"
    with Double(pki, script=lambda t: Act("401")) as server:
        where = access(pki, server.url, token=secret)
        answer = poll(where)
    (seen,) = server.requests()
    assert seen.headers is not None and seen.headers["authorization"] == f"Bearer {secret}"
    assert secret not in repr(where) and secret not in repr(answer)


def test_token_that_a_server_echoes_is_masked(pki: Pki) -> None:
    where = access(pki, "https://127.0.0.1:1", token="s3cr3t-token-value")
    assert "s3cr3t" not in HttpProber(where)._clean('invalid bearer s3cr3t-token-value, "s3cr3t-token-value"')


def test_no_token_over_plain_http(pki: Pki) -> None:
    with pytest.raises(UsageError, match="plain http"):
        HttpProber(Access("http://127.0.0.1:8001", token="x"))


def test_key_leaves_no_file_behind(pki: Pki, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[int] = []
    original = Path.write_text

    def spy(self: Path, *args: Any, **kwargs: Any) -> int:
        modes.append(stat.S_IMODE(self.stat().st_mode))
        modes.append(stat.S_IMODE(self.parent.stat().st_mode))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", spy)
    os.umask(os.umask(0))
    tls_context(access(pki, "https://127.0.0.1:6443"))
    assert modes == [0o600, 0o700, 0o600, 0o700]
    assert list(tmp_path.iterdir()) == []


def test_unusable_credentials_are_bad_input(pki: Pki) -> None:
    other_key = pki.issue("x", client=True)[1]
    for changes in ({"ca": Pem("nonsense", "F")}, {"key": Pem(other_key, "K")}, {"cert": Pem("nonsense", "C")}):
        with pytest.raises(BadInputError) as caught:
            tls_context(access(pki, "https://127.0.0.1:6443", **changes))
        assert "PRIVATE" not in caught.value.one_line()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://127.0.0.1:6443", "https://127.0.0.1:6443"),
        ("https://[::1]:6443/", "https://[::1]:6443"),
        ("https://rancher.example/k8s/clusters/c-1/", "https://rancher.example:443/k8s/clusters/c-1"),
        (" https://node-a:6443 ", "https://node-a:6443"),
    ],
)
def test_addresses(given: str, meant: str) -> None:
    assert checked_server(given) == meant


@pytest.mark.parametrize(
    "given",
    [
        "127.0.0.1:6443",
        "ftp://x",
        "https://",
        "https://u:p4ss@x",
        "https://x:99999",
        "https://x:0",
        "https://x?y=1",
        "https://[::1",
        "https://a b",
        "https://x/\x1b[2J",
    ],
)
def test_bad_addresses_are_usage_errors_without_echo(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_server(given)
    assert "p4ss" not in caught.value.one_line() and "\x1b" not in caught.value.one_line()


def test_retry_after_dates_count_from_the_servers_own_date() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2015 07:28:05 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after(headers) == 5.0
    assert retry_after({"retry-after": headers["retry-after"]}) is None
    assert retry_after({"retry-after": "-3"}) is None
    assert retry_after({"retry-after": "soon"}) is None


def test_cut_list_never_calls_the_unseen_ok() -> None:
    answer = classify_answer(500, "[+]ping ok\n[-]etcd failed: reason withheld\n[+]poststarthook/ab", True)
    assert answer.error == "readyz_failing" and answer.failing == ("etcd",) and answer.ok == ("ping",)
    assert answer.cut


def test_ok_without_list_is_ready_but_a_failing_list_with_200_is_not() -> None:
    assert classify_answer(200, "ok", False).error is None
    assert classify_answer(200, "[-]etcd failed: reason withheld\nreadyz check passed", False).error == "other"


def test_control_characters_become_visible() -> None:
    assert visible("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert len(visible("x" * 5000)) == 300
