"""Every message of the vocabulary with which a process ends, put into a start at its stage, is the reason it gives."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain as flat

import pytest

from analyzer.analysis import analyze_records
from analyzer.events import chain, sequence
from analyzer.events.catalogue import causes_in, info, rules
from analyzer.events.chain import Layer
from analyzer.events.products import advise
from analyzer.events.sequence import Stage
from analyzer.records import read_log_records
from analyzer.results import StartReport
from analyzer.testing import generate
from analyzer.testing.scenarios import k3s
from analyzer.testing.truth import Scenario
from tests.events.test_products import STRANGE

VERSIONS = {"k3s": "v1.33.6+k3s1", "rke2": "v1.33.6+rke2r1"}
SITES = [("k3s", "server"), ("k3s", "agent"), ("rke2", "server"), ("rke2", "agent")]
_VERB = re.compile(r"%[-+# 0]*[\d.]*([a-zA-Z])")
_PUT_IN = {
    "s": "name-1",
    "q": '"name-1"',
    "d": "3",
    "v": "name-1",
    "w": "words nobody knows",
    "x": "1f",
    "T": "x",
    "c": "x",
}
_EARLY = (Stage.BANNER, Stage.DATASTORE, Stage.REQUESTED)
_SHOWN = 12  # lines of the start before the end: enough to know whose it is
# Alone these are no failure: the echo of a stop, and the normal end of a reset.
NEVER_A_START = {"controllers exited"}
_NORMAL = {"cluster_reset_done"}
OF_ITS_OWN = {"failed to wait for API server to become ready"}  # has a finding of its own: fifteen_minute_limit


def ending() -> list[Layer]:
    return [layer for layer in chain.layers() if layer.ends == "process" and layer.problem not in _NORMAL]


def printed(text: str) -> str:
    """A format string as the program would print it."""
    return _VERB.sub(lambda verb: _PUT_IN.get(verb[1], "name-1"), text).replace("%%", "%")


@cache
def beginning(product: str, role: str, ready: bool) -> str:
    """The first lines of a generated start; with those that come when it was ready."""
    text = (
        generate(Scenario(name="base", starts=(k3s("v1.33.6+k3s1", fresh=False),)), 1).render("short-precise").decode()
    )
    lines = text.splitlines()
    until = next(n for n, line in enumerate(lines) if "Kube API server is now running" in line) + 1 if ready else _SHOWN
    kept = lines[:_SHOWN] + [line for line in lines[_SHOWN:until] if "level=" in line]
    text = "\n".join(kept)
    if role == "agent":
        text = text.replace("k3s.service", "k3s-agent.service")
        text = re.sub(r"Starting k3s (v[^\"]*)", r"Starting k3s agent \1", text)
    if product == "rke2":
        unit = "rke2-agent" if role == "agent" else "rke2-server"
        text = text.replace("k3s-agent.service" if role == "agent" else "k3s.service", f"{unit}.service")
        text = text.replace("v1.33.6+k3s1", VERSIONS["rke2"]).replace("Starting k3s", "Starting rke2")
        text = text.replace(" k3s[", " rke2[").replace("rancher/k3s", "rancher/rke2")
    return text


def ended(product: str, role: str, words: str) -> StartReport:
    """A start that ends with ``words`` at their stage."""
    held = [place for place in sequence.of_failure(words) if place.holds(product, role, VERSIONS[product])]
    behind = any(place.only_after in (Stage.READY, Stage.STARTED) for place in held) and role == "server"
    begun = beginning(product, role, behind)
    early = any(place.only_before == Stage.BANNER for place in held)
    if early:
        begun = "\n".join(line for line in begun.splitlines() if "systemd[1]" in line)
    stamp = re.findall(r"^\w{3} \d\d [\d:.]+", begun, re.MULTILINE)[-1]
    host = begun.split()[3]
    unit = re.search(r"[\w-]+\.service", begun)
    assert unit is not None
    said = words.replace("\\", "\\\\").replace('"', '\\"')
    pid = re.search(r"(?:k3s|rke2)\[(\d+)\]", begun)
    number = pid[1] if pid is not None else "812"
    fatal = f'{stamp} {host} {product}[{number}]: time="2026-02-03T10:20:30Z" level=fatal msg="Error: {said}"'
    failed = f"{stamp} {host} systemd[1]: {unit[0]}: Main process exited, code=exited, status=1/FAILURE"
    text = f"{begun}\n{fatal}\n{failed}\n"
    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
    return analyze_records(log_records, tool_version="0").starts[-1]


def wrong(product: str, role: str, layer: Layer, text: str) -> Iterator[str]:
    """What a report says wrongly of a start that ends with a layer's text."""
    start = ended(product, role, printed(text))
    first = start.findings[0]
    named = info(layer.problem) if layer.problem else None
    title = layer.title or (named.title if named is not None else "")
    if start.end.kind != "failed":
        yield f"end {start.end.kind}"
    if printed(text).split("\n")[0][:40] not in (start.end.reason or ""):
        yield f"reason {start.end.reason}"
    if first.severity != "critical" or first.id == "process_failed":
        yield f"first {first.id} ({first.severity}): {first.title}"
    if start.product != product:
        yield f"product {start.product}"
    if found := re.search(STRANGE[product], f"{first.title} {first.advice}"):
        yield f"a stranger's word: {found[0]}"
    told = {advise(one, start.site) for one in (title, *(rule.title for rule, _ in causes_in(printed(text)))) if one}
    if layer.text[0] not in OF_ITS_OWN and not any(one in first.title for one in told):
        yield f"title {first.title!r}, none of {told}"
    places = [p for p in sequence.of_failure(printed(text)) if p.holds(product, role, VERSIONS[product])]
    if any(p.only_after in (Stage.READY, Stage.STARTED) for p in places) and start.outcome == "failed":
        yield "failed before it was ready, but its words come after"
    if (
        any(p.only_before in (Stage.BANNER, Stage.DATASTORE, Stage.REQUESTED) for p in places)
        and start.outcome == "ready"
    ):
        yield "ready, but its words come before"


def own(layer: Layer, product: str) -> bool:
    return layer.product in ("", product) and chain.part(layer.part).product in ("", product)


@pytest.mark.long
@pytest.mark.parametrize(("product", "role"), SITES)
def test_every_end_is_the_reason_of_a_start_that_ends_with_it(product: str, role: str) -> None:
    layers = [layer for layer in ending() if own(layer, product) and layer.text[0] not in NEVER_A_START]
    # Half of them in the most frequent place, each sixth elsewhere; all spellings in the slow suite.
    tried = layers[:: 2 if (product, role) == ("k3s", "server") else 6]
    said = (f"{layer.text[0]}: {what}" for layer in tried for what in wrong(product, role, layer, layer.text[0]))
    found = list(said)
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize(("product", "role"), SITES)
def test_every_spelling_of_every_end(product: str, role: str) -> None:
    said = (
        f"{text}: {what}"
        for layer in ending()
        if own(layer, product) and layer.text[0] not in NEVER_A_START
        for text in layer.text
        for what in wrong(product, role, layer, text)
    )
    found = list(said)
    assert not found, "\n".join(found)


def test_layers_name_parts_and_problems_that_there_are() -> None:
    known = {rule.id for rule in rules()}
    for layer in chain.layers():
        chain.part(layer.part)
        assert not layer.problem or layer.problem in known, layer.text
        assert layer.title or layer.problem, layer.text
        assert len(layer.title) <= 80, layer.title


def test_a_text_has_one_layer_per_product() -> None:
    texts = [(text, layer.product) for layer in chain.layers() for text in layer.text]
    twice = {one for one in texts if texts.count(one) > 1}
    assert not twice


def test_layers_are_read_from_the_outside_in() -> None:
    read = chain.read("Error: preparing server: failed to bootstrap cluster data: open /x: permission denied")
    assert [link.layer.text[0] for link in read.links] == ["preparing server", "failed to bootstrap cluster data"]
    assert read.inner == "open /x: permission denied"
    assert read.error is not None
    assert (read.error.id, read.target) == ("permission", "/x")


def test_an_unknown_error_under_a_known_wrapper_keeps_the_wrapper() -> None:
    read = chain.read("failed to bootstrap cluster data: words nobody knows")
    assert read.innermost is not None
    assert read.innermost.text[0] == "failed to bootstrap cluster data"
    assert not read.whole


def test_all_texts_of_the_classes_are_of_their_class() -> None:
    for error in chain.classes():
        for words in error.any:
            found, _ = chain.classify(words)
            assert found is not None, words
    assert list(flat.from_iterable(error.any for error in chain.classes()))
