"""The class of the error at the bottom of a message, by what stands around the same words; and what is advised."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from analyzer.events import chain
from analyzer.events.causes import Cause, advice_for, cause_of
from analyzer.site import Site

SOOTHING = re.compile(
    r"(?i)\bnothing (?:needs|to do|has to|is wrong)|^nothing\b|harmless|\bit passes\b|tried again|first minutes"
)
_SENTENCE = re.compile(r"[.!?](?=\s+[A-Z{])")


def cause(text: str, product: str = "unknown", *, ended: bool = True) -> Cause:
    found = cause_of(text, product, ended=ended)
    assert found is not None
    return found


CLASSES = [
    # the same words, of a connection or of a file
    ('Get "https://192.0.2.7:9345/v1-rke2/readyz": unexpected EOF', "cut_connection"),
    ("read tcp 192.0.2.7:40000->192.0.2.8:5432: unexpected EOF", "cut_connection"),
    ("building kine: unexpected EOF", "cut_connection"),
    ("websocket: close 1006 (abnormal closure): unexpected EOF", "cut_connection"),
    ("rpc error: code = Internal desc = unexpected EOF", "cut_connection"),
    ("open /srv/images/all.tar.zst: unexpected EOF", "cut_file"),
    ("failed to import images from /srv/one: unexpected EOF", "cut_file"),
    ("open /proc/net/nf_conntrack: unexpected EOF", "cut_file"),
    ("unexpected EOF", "cut_short"),
    # DNS
    ("dial tcp: lookup db.test on 192.0.2.53:53: read udp 192.0.2.7:4->192.0.2.53:53: i/o timeout", "dns_server"),
    (
        "dial tcp: lookup db.test on [2001:db8::53]:53: dial udp [2001:db8::53]:53: connect: network is unreachable",
        "dns_server",
    ),
    ("dial tcp: lookup db.test: i/o timeout", "dns_server"),
    ("dial tcp: lookup db.test on 192.0.2.53:53: no such host", "dns"),
    ("dial tcp 192.0.2.7:6443: i/o timeout", "timeout"),
    ("dial tcp 192.0.2.7:6443: connect: connection refused", "refused"),
    # sockets and files
    ("dial tcp 192.0.2.7:6443: connect: operation not permitted", "connect_denied"),
    ("write udp 192.0.2.7:8472->192.0.2.8:8472: sendto: operation not permitted", "connect_denied"),
    ("dial unix /run/x/y.sock: connect: permission denied", "permission"),
    ("listen tcp 0.0.0.0:443: bind: permission denied", "listen_denied"),
    ("operation not permitted", "privilege"),
    ("chown /srv/x: operation not permitted", "permission"),
    ("read /srv/x: permission denied", "permission"),
    (
        "listen tcp 0.0.0.0:9345: bind: An attempt was made to access a socket in a way forbidden by its access "
        "permissions.",
        "port_excluded",
    ),
    # the web proxy
    ("proxyconnect tcp: dial tcp 192.0.2.99:3128: i/o timeout", "proxy"),
    ("proxyconnect tcp: dial tcp: lookup proxy.test on 192.0.2.53:53: no such host", "proxy"),
    ('Get "https://registry.test/v2/": Proxy Authentication Required', "proxy"),
    # what the kernel refuses
    ('mount("overlay", "/srv/x"): invalid argument', "mount"),
    ("write /proc/sys/net/ipv4/ip_forward: invalid argument", "invalid_operation"),
    ("read tcp 192.0.2.7:1->192.0.2.8:2: setsockopt: invalid argument", "invalid_operation"),
    ("failed to read the settings: cluster-cidr: invalid argument", "invalid_value"),
    ("mkdir /srv/x: structure needs cleaning", "structure"),
    ("open /srv/x: stale NFS file handle", "stale_handle"),
    ("open /srv/bin/x: text file busy", "busy_text"),
    ("unlinkat /run/x: device or resource busy", "busy"),
    ("remove /srv/x: directory not empty", "not_empty"),
    ("rename /srv/a /mnt/b: invalid cross-device link", "other_disk"),
    ("open /srv/x: too many open files", "too_many_files"),
    ("fanotify: function not implemented", "not_supported"),
    ("socket: protocol not supported", "not_supported"),
    ("mkdir /run/k3s/io.containerd/rootfs/etc: read-only file system", "overlay_read_only"),
    ("mkdir /srv/x: read-only file system", "read_only"),
    ("open /sys/fs/cgroup/cpu.max: read-only file system", "cgroup_read_only"),
    # certificates
    ("x509: cannot verify signature: insecure algorithm SHA1-RSA", "x509_weak"),
    ("tls: server sent certificate containing RSA key larger than 8192 bits", "x509_weak"),
    (
        "x509: certificate has expired or is not yet valid: "
        "current time 2026-06-11T10:00:00Z is before 2026-06-11T10:40:00Z",
        "x509_not_yet",
    ),
    (
        "x509: certificate has expired or is not yet valid: "
        "current time 2026-06-11T10:00:00Z is after 2026-06-11T09:40:00Z",
        "x509_time",
    ),
    ("x509: certificate has expired or is not yet valid: ", "x509_time"),
    # a program that says more than its exit status
    (
        "exit status 1: iptables v1.8 (nf_tables): chain `FORWARD' in table `filter' is incompatible, use 'nft' tool.",
        "nft_rules",
    ),
    ("x509: certificate is not authorized to sign other certificates", "x509_ca"),
    ("http: server gave HTTP response to HTTPS client", "plain_http"),
    ("tls: first record does not look like a TLS handshake", "plain_http"),
    # what others answer
    ("https://registry.test/v2/: 429 Too Many Requests", "rate_limited"),
    ('no matches for kind "Thing" in version "test/v1"', "no_kind"),
    ("hcnCreateEndpoint failed in Win32: The specified network was not found.", "hns"),
    ("invalid character 'x' looking for beginning of value", "bad_syntax"),
    ("yaml: line 7: mapping values are not allowed in this context", "bad_syntax"),
    ("toml: expected newline but got U+0041", "bad_syntax"),
    # what a file is called says nothing of what happened to it
    ("stat /srv/k/cred/state.json: no such file or directory", "not_found"),
    ("open containerd.toml: no such file or directory", "not_found"),
    ("open /srv/timeout-lab/my kube.json: no such file or directory", "not_found"),
    ("open /srv/k/part.yaml: json: unknown field", "bad_syntax"),
    ("/etc/k/config.toml: toml: line 3: expected a value", "bad_syntax"),
    ("FATAL: bad (SQLSTATE 28000)", "sql_login"),
    ("ERROR: bad (SQLSTATE 42P01)", "sql_missing"),
    ("ERROR: bad (SQLSTATE 25006)", "sql_read_only"),
    ("FATAL: bad (SQLSTATE 57P01)", "sql_stopping"),
    ("FATAL: bad (SQLSTATE 08006)", "sql_lost"),
    ('ERROR: prepared statement "s_4" does not exist (SQLSTATE 26000)', "sql_pooler"),
    ("ERROR: no such right (SQLSTATE 42501)", "sql_rights"),
    ("commands out of sync. Did you run multiple statements at once?", "sql_out_of_step"),
    ("FATAL: bad (SQLSTATE 53300)", "sql_connections"),
    ("ERROR: bad (SQLSTATE 53100)", "sql_disk"),
    ("ERROR: bad (SQLSTATE 42703)", "sql_statement"),
    ("Error 1142 (42000): INSERT command denied", "sql_rights"),
    ("Error 1203: too many of this user", "sql_connections"),
    ("group: unknown group kitchen", "unknown_account"),
    ("ERROR: bad (SQLSTATE 22021)", "sql_other"),
]


@pytest.mark.parametrize(("text", "name"), CLASSES)
def test_the_class_is_that_of_what_stands_around_the_words(text: str, name: str) -> None:
    error = chain.read(text).error
    assert error is not None
    assert error.id == name


def test_a_cut_connection_heals_and_blames_no_file() -> None:
    told = cause('failed to get CA certs: Get "https://192.0.2.7:6443/cacerts": unexpected EOF')
    assert told.finding == "server_unreachable"
    assert "damaged" not in f"{told.title} {told.means} {told.advice}"
    error = chain.read("building kine: unexpected EOF").error
    assert error is not None
    assert error.symptom


@pytest.mark.parametrize("said", ["read: connection refused", "i/o timeout"])
@pytest.mark.parametrize("step", ["", "words nobody knows: ", "creating storage endpoint: building kine: "])
def test_a_dns_server_that_does_not_answer_is_no_datastore_that_is_away(step: str, said: str) -> None:
    told = cause(f"{step}dial tcp: lookup db.test on 192.0.2.53:53: read udp 192.0.2.7:4->192.0.2.53:53: {said}")
    assert told.finding == "name_not_resolved"
    assert "getent hosts db.test" in advice_for(told, Site("k3s", "server"))


def test_the_proxy_itself_and_a_proxy_between_nodes_are_two_things() -> None:
    away = "proxyconnect tcp: dial tcp 192.0.2.99:3128: connect: connection refused"
    outside = cause(f'failed to extract runtime image: Get "https://registry.test/v2/": {away}')
    assert outside.finding == "web_proxy"
    assert "192.0.2.99:3128" in advice_for(outside, Site("rke2", "server"))
    assert "NO_PROXY" not in advice_for(outside, Site("rke2", "server"))
    for port in (2379, 2380, 6443, 9345):
        between = cause(f'failed to get CA certs: Get "https://192.0.2.7:{port}/x": {away}')
        assert between.finding == "proxy_between", port
        assert "NO_PROXY" in between.advice


def test_an_undelegated_controller_is_no_setting_of_a_raspberry_pi() -> None:
    for controller in ("cpuset", "cpu", "pids"):
        told = cause(f"failed to find {controller} cgroup (v2)")
        assert told.finding == "cgroup_undelegated"
        assert "Delegate=yes" in advice_for(told, Site("k3s", "server"))
        assert "--cgroupns=private" in advice_for(told, Site("k3s", "server", "container"))
        assert "cmdline" not in advice_for(told, Site("k3s", "server"))
    for words in ("failed to find memory cgroup (v2)", "failed to find memory cgroup"):
        assert cause(words).finding == "cgroup"
        assert "cmdline.txt" in advice_for(cause(words), Site("k3s", "server"))


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        ("bind: address already in use", "port_in_use"),
        ("bind: cannot assign requested address", "cannot_bind"),
        ("bind: permission denied", "apiserver_exited"),
    ],
)
def test_a_listener_that_failed_has_the_cause_of_its_error(error: str, finding: str) -> None:
    step = "apiserver exited: failed to create listener: failed to listen on 192.0.2.7:443: listen tcp 192.0.2.7:443: "
    assert cause(step + error).finding == finding


def test_a_request_without_a_node_password_is_no_password_that_was_rejected() -> None:
    assert cause("node password not set").finding != "node_password"
    assert cause("Node password rejected, duplicate hostname").finding == "node_password"


def layers_alone() -> Iterator[tuple[str, Cause]]:
    for layer in chain.layers():
        words = chain.words_of(layer.text[0]).strip()
        found = cause_of(words, layer.product or "unknown", ended=True)
        if len(words) > 12 and found is not None:
            yield words, found


def test_nobody_is_told_of_an_end_that_nothing_needs_to_be_done() -> None:
    told = list(layers_alone())
    assert len(told) > 500
    soothed = [f"{words}: {one.advice}" for words, one in told if SOOTHING.search(one.advice)]
    assert not soothed, "\n".join(soothed)


def test_what_is_only_tried_again_may_pass_by_itself() -> None:
    words = "etcdserver: mvcc: required revision has been compacted"
    assert cause(words, ended=False).advice.startswith("Nothing needs to be done")
    assert not SOOTHING.search(cause(words).advice)
    # An end that wraps them is an end, whoever asks.
    assert not SOOTHING.search(cause(f"preparing server: {words}", ended=False).advice)


def test_classes_read_well_behind_a_step_and_advise_in_two_sentences() -> None:
    for error in chain.classes():
        assert error.short[0].islower() or error.short.startswith("Windows"), error.id
        assert not error.short.endswith("."), error.id
        assert not error.short.startswith("it "), error.id
        assert len(error.short) <= 60, error.id
        assert len(_SENTENCE.findall(error.advice)) <= 1, error.id
        assert error.means.endswith("."), error.id


@pytest.mark.parametrize(
    ("text", "name", "target"),
    [
        ('exec: "containerd": executable file not found in $PATH', "own_not_in_path", "containerd"),
        ('exec: "iptables": executable file not found in $PATH', "not_in_path", "iptables"),
        ('exec: "containerd": executable file not found in %PATH%', "not_in_path", "containerd"),
        ("fork/exec /srv/k3s/data/1f/bin/runc: permission denied", "exec_denied", "/srv/k3s/data/1f/bin/runc"),
        ('exec: "/srv/k3s/data/1f/bin/runc": permission denied', "exec_denied", "/srv/k3s/data/1f/bin/runc"),
        ("open /srv/k3s/data/1f/bin/runc: permission denied", "permission", "/srv/k3s/data/1f/bin/runc"),
        ("GET https://r.example.org/v2/a/b/manifests/v1: MANIFEST_UNKNOWN: x", "image_unknown", "a/b/manifests/v1"),
    ],
)
def test_programs_that_may_not_run_and_images_that_are_not_there(text: str, name: str, target: str) -> None:
    error, about = chain.classify(text)
    assert error is not None
    assert (error.id, about) == (name, target)
    assert ("{look_at_exec}" in error.advice) is (name in ("own_not_in_path", "exec_denied"))
