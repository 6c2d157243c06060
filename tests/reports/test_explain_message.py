"""A pasted message is read as a whole: what ends or waits with it, layer by layer, however it was pasted."""

from __future__ import annotations

import pytest

from analyzer.events import chain
from analyzer.reports import explain
from analyzer.reports.explain_entry import Entry
from tests.kit.handmade import Journal

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


def test_every_layer_is_known_as_its_source_has_it_and_as_it_is_printed() -> None:
    missed = []
    for layer in chain.layers():
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
