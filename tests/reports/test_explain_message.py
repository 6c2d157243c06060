"""A pasted message is read as a whole: what ends or waits with it, layer by layer, however it was pasted."""

from __future__ import annotations

import pytest

from analyzer.events import chain, exit_codes
from analyzer.reports import explain, explain_message
from analyzer.reports.explain_entry import Entry
from tests.kit.effort import proportional
from tests.kit.handmade import Journal
from tests.kit.thinned import thinned

LEARNER = "this server has not yet been promoted from learner to voting member"
JOIN = 'preparing server: failed to get CA certs: Get "https://192.0.2.7:6443/cacerts": dial tcp 192.0.2.7:6443: '
ENDS = [
    "Tunnel watches failed to wait for apiserver ready: timed out waiting for the condition, failed to get apiserver "
    '/readyz status: Get "https://127.0.0.1:6443/readyz": dial tcp 127.0.0.1:6443: connect: connection refused',
    'cloud-controller-manager exited: configmaps "extension-apiserver-authentication" is forbidden: User "x" cannot '
    'get resource "configmaps"',
    f"{JOIN}connect: connection refused",
    f"{JOIN}i/o timeout",
    'level=fatal msg="something of a later release: context deadline exceeded"',
]
POLLS_ONLY = ("Heals by itself", "Nothing, while", "answer to a poll")


def section(entry: Entry, title: str) -> str:
    return " ".join(line for one in entry.sections if one.title == title for line in one.lines)


def whole(text: str) -> Entry:
    entry = explain.recognise(text)[0]
    assert entry.kind == "message"
    return entry


def said(text: str) -> str:
    return " ".join(f"{e.summary} {' '.join(' '.join(s.lines) for s in e.sections)}" for e in explain.recognise(text))


@pytest.mark.parametrize("text", ENDS)
def test_an_end_is_never_told_to_heal(text: str) -> None:
    assert "The process ends with it" in section(whole(text), "What comes of it")
    assert not any(entry.kind in ("error", "noise") for entry in explain.recognise(text))
    assert not any(words in said(text) for words in POLLS_ONLY)


def in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


SHAPES = {
    "bare": lambda text: text,
    "quoted": in_quotes,
    "upper case": lambda text: text.upper(),
    "logrus": lambda text: f'time="2026-05-04T08:00:40Z" level=fatal msg={in_quotes(text)}',
    "journal": lambda text: (
        f'May 04 08:00:40 node-c k3s[8]: time="2026-05-04T08:00:40Z" level=fatal msg={in_quotes(text)}'
    ),
    "terminal": lambda text: f"FATA[0003] {text}",
    "main": lambda text: f"Error: {text}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_of_a_paste_changes_nothing(shape: str) -> None:
    expected = whole(f"{JOIN}connect: no route to host")
    found = whole(SHAPES[shape](f"{JOIN}connect: no route to host"))
    assert found.summary == expected.summary
    if shape != "upper case":  # the catalogue's expressions know Go's spelling only
        assert section(found, "Reported as") == section(expected, "Reported as")
    assert section(found, "What comes of it") == "The process ends with it."
    layers = section(found, "Layers, from the outside in").lower()
    assert layers.index("preparing server") < layers.index("failed to get ca certs")


def test_the_error_inside_names_its_class_and_what_it_is_about() -> None:
    entry = whole("failed to start cluster: lookup cp1.example on 127.0.0.53:53: no such host")
    assert "cp1.example" in section(entry, "The error inside")
    assert "getent hosts cp1.example" in section(entry, "What to do")


@pytest.mark.parametrize(
    ("inner", "heals"), [("context deadline exceeded", True), ("open /etc/x: permission denied", False)]
)
def test_what_is_tried_again_says_when_that_is_a_problem(inner: str, heals: bool) -> None:
    told = section(whole(f"Failed to set annotations and labels on node n1: {inner}"), "What comes of it")
    assert "tries again" in told
    assert ("does not heal by itself" in told) is not heals
    assert ("after 60 s" in told) is heals


def test_a_request_and_a_part_leave_the_server_running() -> None:
    ends = {layer.ends: layer.text[0] for layer in chain.layers() if "%" not in layer.text[0] and not layer.problem}
    assert "the server goes on" in section(whole(ends["request"]), "What comes of it")
    assert "goes on without it" in section(whole(ends["part"]), "What comes of it")


@pytest.mark.long
def test_every_layer_is_known_as_its_source_has_it_and_as_it_is_printed() -> None:
    missed = []
    for layer in chain.layers()[::8]:  # 14,000 questions in all
        for text in layer.text:
            for asked in (text, f"{text}: %w", chain._VERB.sub("x7", text)):
                if not any(entry.kind in ("message", "error") for entry in explain.recognise(asked)[:1]):
                    missed.append(asked)
    # The message of the poller itself is an answer to a poll.
    assert [text for text in missed if not text.startswith("Polling for API")] == []


def test_a_cut_message_names_what_it_may_be() -> None:
    assert "failed to get CA certs" in section(whole("preparing server: failed to get CA cer"), "It may go on so")
    assert any("learner" in entry.name for entry in explain.recognise("this server has not yet been promoted from le…"))


def test_the_words_are_the_product_s() -> None:
    line = 'May 04 08:00:40 node-c {}[8]: time="2026-05-04T08:00:40Z" level=fatal msg="failed to get CA certs: EOF"'
    for product, other in (("rke2", "rancher/k3s"), ("k3s", "rancher/rke2")):
        told = said(line.format(product))
        assert other not in told and f"{other[-3:]}-agent" not in told
    assert "6443" not in section(whole(line.format("rke2")), "What to do")


@pytest.mark.parametrize(
    "text", ['containerd exited: exec: "containerd": executable file not found in %PATH%', ENDS[1]]
)
def test_it_says_what_the_report_says(text: str) -> None:
    journal = Journal().begin().say(3.0, text, "fatal")
    first = journal.whole_report().starts[0].findings[0]
    entry = whole(f"level=fatal msg={in_quotes(text)}")
    if "%PATH%" not in text:  # there the paste alone shows that it is Windows
        assert section(entry, "What to do") == first.advice
    assert entry.summary == f"{first.title}."
    assert section(entry, "Reported as") == first.id


def test_a_secret_is_not_repeated() -> None:
    told = said(
        "preparing server: failed to get CA certs: https://u:S3CRETPASS@192.0.2.7/cacerts?token=S3CRETPASS: EOF"
    )
    assert told and "S3CRETPASS" not in told


@pytest.mark.parametrize(("address", "normal"), [("127.0.0.1", True), ("192.0.2.11", False)])
def test_what_is_normal_depends_on_whom_the_line_is_about(address: str, normal: bool) -> None:
    text = (
        '{"level":"warn","caller":"clientv3/retry_interceptor.go:62","msg":"retrying of unary invoker failed",'
        f'"target":"etcd-endpoints://0xc1/{address}:2379","error":"rpc error: code = Unavailable desc = closed"}}'
    )
    kinds = [entry.kind for entry in explain.recognise(text)]
    assert kinds[0] == "message"
    assert ("noise" in kinds) is normal


def test_a_line_of_systemd_is_known_without_its_name() -> None:
    found = explain.recognise("k3s.service: Main process exited, code=exited, status=1/FAILURE")
    assert "process_exited" in {entry.name for entry in found}


@pytest.mark.long
def test_an_end_is_named_as_the_report_names_it() -> None:
    told = []
    for number, layer in enumerate(chain.layers()):
        if number % 3 or layer.ends != "process" or layer.product:
            continue
        error = ("dial tcp 192.0.2.9:2379: connect: connection refused", "open /x/y: permission denied")[number % 2]
        message = f"{chain._VERB.sub('x7', layer.text[0])}: {error}"
        if "\n" in message:
            continue
        found = Journal().begin().say(3.0, message.replace('"', "'"), "fatal").whole_report().starts[0].findings
        asked = whole(f"level=fatal msg={in_quotes(message.replace(chr(34), chr(39)))}")
        if not found:  # words of crictl: that program ends, not the service
            assert "that one ends" in section(asked, "What comes of it")
            assert section(asked, "Reported as") == ""
        elif found[0].severity == "critical":  # not the echo of a stop
            told.append((found[0].id, section(asked, "Reported as"), message))
    assert len(told) > 50
    assert [one for one in told if one[0] != one[1]] == []


SURVIVED = [
    'level=error msg="Failed to set sysctl: open /proc/sys/net/netfilter/nf_conntrack_max: permission denied"',
    'level=error msg="failed to get CA certs: EOF"',
    'level=warning msg="failed to get CA certs: EOF"',
    "failed to update node lease, error: database is locked",
    "E0823 14:32:33.956373    6017 controller.go:159] failed to update node lease, error: database is locked",
    'msg="CA cert validation failed: Get \\"https://127.0.0.1:38543/cacerts\\": x509: cannot validate certificate for '
    "127.0.0.1 because it doesn't contain any IP SANs\"",
]


@pytest.mark.parametrize("text", SURVIVED)
def test_what_a_process_survives_is_not_told_as_its_end(text: str) -> None:
    entry = whole(text)
    assert section(entry, "What comes of it") not in ("", "The process ends with it.")
    if "level=" in text:
        assert section(entry, "Reported as") == ""


def test_two_messages_of_one_event_do_not_contradict_each_other() -> None:
    told = {
        section(whole(text), "What comes of it")
        for text in (
            "this node has been removed from the cluster please restart k3s to rejoin the cluster",
            "the member has been permanently removed from the cluster",
            "the data-dir used by this member must be removed",
        )
    }
    assert len(told) == 1 and "goes on without it" in told.pop()


NO_POLLS = [
    'level=error msg="etcd defrag failed: context deadline exceeded"',
    "etcd defrag failed: context deadline exceeded",
    'level=error msg="Failed to get apiserver addresses from etcd: context deadline exceeded"',
    'Get "https://192.0.2.1:9345/cacerts": dial tcp 192.0.2.1:9345: connect: connection refused',
    "dial tcp 192.0.2.1:2379: connect: no route to host",
]


@pytest.mark.parametrize("text", NO_POLLS)
def test_a_line_that_is_no_poll_is_not_told_as_one(text: str) -> None:
    found = explain.recognise(text)
    assert found and all(entry.kind != "error" for entry in found)


@pytest.mark.parametrize(
    "text",
    [
        'Get "https://127.0.0.1:6443/readyz?timeout=15s": context deadline exceeded',
        "dial tcp 127.0.0.1:6443: connect: connection refused",
        "net/http: TLS handshake timeout",
    ],
)
def test_a_bare_answer_to_a_poll_still_is_one(text: str) -> None:
    assert "error" in {entry.kind for entry in explain.recognise(text)}


def test_a_read_only_sysctl_is_no_read_only_disk() -> None:
    text = 'level=error msg="Failed to set sysctl: open /proc/sys/net/ipv4/conf/all/forwarding: read-only file system"'
    assert "remount" not in said(text) and "container" in said(text)
    assert "remount" in said("open /var/lib/x: read-only file system")


def test_quotes_in_a_message_are_no_boundary() -> None:
    text = r'level=fatal msg="no default routes found in \"/proc/net/route\" or \"/proc/net/ipv6_route\""'
    entry = whole(text)
    assert "ipv6_route" in section(entry, "Layers, from the outside in")
    assert section(entry, "The error inside") == ""


def test_the_supervisor_s_port_tells_whose_line_it_is() -> None:
    line = 'level=fatal msg="failed to get CA certs: Get \\"https://192.0.2.1:{}/cacerts\\": EOF"'
    assert explain_message.site_of(line.format(9345), ()).product == "rke2"
    assert explain_message.site_of(line.format(6443), ()).product == "unknown"
    journal = f"May 04 08:00:40 node-c k3s[8]: {line.format(9345)}"
    assert "rke2" not in said(journal)
    assert "6443" not in section(whole(line.format(9345)), "What to do")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("open /x/y: no such file or directory", "/x/y is not there."),
        ("something: file does not exist", "A file is not there."),
        ("mkdir /x/y: file exists", "/x/y is there already."),
    ],
)
def test_a_title_names_what_it_is_about(text: str, title: str) -> None:
    assert explain.recognise(text)[0].summary == title


@pytest.mark.parametrize(
    "text", ["[-]etcd{}x", "preparing server{}x", "could not parse a as{}", "failed{}failed", "{}…..…x"]
)
@pytest.mark.parametrize("filling", thinned([" ", " failed", 'Get "https://', "."], 4))
def test_a_long_text_is_explained_in_linear_time(text: str, filling: str) -> None:
    def ask(size: int) -> object:
        asked = text.format(filling * (size // len(filling)))
        return explain.find(asked) or explain.recognise(asked)

    assert proportional(ask, 20_000)


WAITS = [
    'time="2026-05-04T08:00:40Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: '
    'https://127.0.0.1:6444/v1-k3s/readyz: 503"',
    'time="2026-05-04T08:00:40Z" level=info msg="Waiting for node depot-7 CIDR not assigned yet"',
    "W0504 08:00:40.000000 1 logging.go:55] [core] grpc: addrConn.createTransport failed to connect to {Addr: "
    '"127.0.0.1:2379"}. Err: connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:2379: '
    'connect: connection refused"',
]
FATAL = 'time="2026-05-04T08:00:41Z" level=fatal msg="failed to start networking: context deadline exceeded"'


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("first", [True, False])
def test_no_entry_beside_an_end_says_that_it_passes(wait: str, first: bool) -> None:
    text = "\n".join([wait, FATAL] if first else [FATAL, wait])
    assert "The process ends with it" in section(whole(text), "What comes of it")
    assert not any(entry.kind in ("error", "noise") for entry in explain.recognise(text))
    for words in (*POLLS_ONLY, "part of a start", "Normal for", "tries again: nothing ends", "Nothing in the first"):
        assert words not in said(text)


def test_bare_named_lines_are_known() -> None:
    [entry] = explain.recognise("Running containerd -c /srv/k3s/agent/etc/containerd/config.toml")
    assert (entry.kind, entry.name) == ("milestone", "containerd_requested")
    assert "pod CIDR" in said("CIDR not assigned yet")
    assert explain.recognise("Running the tap") == []


def test_no_word_in_braces_is_left_in_an_entry() -> None:
    text = 'time="2026-05-04T08:00:41Z" level=fatal msg="exec: \\"containerd\\": executable file not found in $PATH"'
    assert "{" not in " ".join(section(whole(text), title) for title in ("The error inside", "What to do"))


@pytest.mark.parametrize("head", ["   Main PID: 5 (", "Process: 5 ExecStart=/usr/local/bin/k3s server (", "(", ""])
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("code=exited, status=203/EXEC", "failed_step"),
        ("code=killed, signal=ILL", "killed"),
        ("code=exited, status=0/SUCCESS", ""),
    ],
)
def test_how_systemd_says_that_a_process_ended_is_known_with_and_without_its_line(
    head: str, code: str, name: str
) -> None:
    found = [entry for entry in explain.recognise(f"{head}{code})" if head else code) if entry.kind == "message"]
    assert [entry.name for entry in found] == [name] * bool(name), "with status 0 nothing failed"
    if name:
        meaning = exit_codes.meaning(code)
        assert meaning is not None and found[0].summary.startswith(meaning.title)
