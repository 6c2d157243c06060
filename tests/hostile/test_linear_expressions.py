"""Every regular expression of the package takes time in proportion to the text, whatever the text is.

``pumping.py`` makes the texts from the expressions' own pieces. An expression that looks at each place of a text again
(``one .* other`` on ``one one one …``) must be bounded, so that the longest line takes no longer than stated here.
"""

from __future__ import annotations

import re
import time
from functools import cache
from random import Random

import pytest

from analyzer.events import chain
from analyzer.events.vocabulary import TEXT_LIMIT
from tests.fuzz.fuzz_kinds import check_lines
from tests.hostile.pumping import EVERYDAY, Found, attacks, expressions, text_of

FIRST, SECOND, THIRD = 3_000, 12_000, 48_000  # characters
MOST_S = 0.3  # for the longest of the three
LINE_S = 3.0  # of processor time for a line of 256 KiB through everything, on a slow core
LINE = 256 * 1024
# Files that the user writes or names himself, read whole once: not what a log brings in.
OWN_FILES = ("analyzer/events/toml_lines.py", "analyzer/testing/", "analyzer/simulator/", "analyzer/policies/")


ONE_SHAPE = re.compile(re.escape("(?i)^") + ".*" + re.escape(chain.LAYER_END), re.DOTALL)
OF_LAYERS = 40  # expressions of layers, all of which `chain.expression` makes of a few pieces


@cache
def found() -> list[Found]:
    """All expressions but most of the layers', which are several thousand of one shape: those with the most pieces, as
    they are the worst, and some of the others."""
    every = [one for one in expressions() if not one.where.startswith(OWN_FILES)]
    layers = [one for one in every if ONE_SHAPE.fullmatch(one.pattern)]
    assert len(layers) > 10 * OF_LAYERS
    layers.sort(key=lambda one: -one.pattern.count("{0,300}"))
    half = OF_LAYERS // 2
    kept = {*layers[:half], *Random(3).sample(layers[half:], half)}
    return [one for one in every if one in kept or not ONE_SHAPE.fullmatch(one.pattern)]


def cost(one: Found, attack: tuple[str, str, str], size: int) -> float:
    """Processor seconds of all methods that are used with it; the better of two."""
    compiled = one.compiled
    text = text_of(attack, size)
    given = text.encode("utf-8", "replace") if one.binary else text
    bounded = one.where.startswith("analyzer/events/vocabulary.py")  # LazyPattern
    best = 1e9
    for _ in range(2):
        begun = time.process_time()
        for method in one.methods:
            if method in ("sub", "subn"):
                compiled.sub(b"" if one.binary else "", given)
            elif method == "finditer":
                for _match in compiled.finditer(given):
                    pass
            elif bounded:
                compiled.search(given, 0, TEXT_LIMIT)
            else:
                getattr(compiled, method)(given)
        best = min(best, time.process_time() - begun)
        if best < 0.0005:
            break
    return best


def is_linear(one: Found, attack: tuple[str, str, str]) -> bool:
    small = cost(one, attack, FIRST)
    if small < 0.0005:
        return True
    middle = cost(one, attack, SECOND)
    if middle < 0.004 or middle / small < 8:
        return True
    return cost(one, attack, THIRD) < MOST_S


@pytest.mark.long
def test_the_expressions_of_modules_and_of_the_vocabulary_are_all_seen() -> None:
    wheres = {one.where.rpartition(":")[0] for one in found()}
    assert len(found()) > 350
    for name in (
        "records/carriers/journalctl_short",
        "records/payloads",
        "records/printable",
        "events/vocabulary",
        "events/redaction",
        "sources/search",
    ):
        assert f"analyzer/{name}.py" in wheres, name
    patterns = {one.pattern for one in found()}
    from analyzer.events import catalogue, witness_rules

    assert {rule.match.pattern for rule in witness_rules.rules()} <= patterns
    assert {rule.match.pattern for rule in catalogue.rules() if rule.match is not None} <= patterns


def test_a_quadratic_expression_would_be_found() -> None:
    one = Found(r"\s+x", 0, False, "here:1", ("search",))
    tried = [attack for attack in attacks(one.pattern, 0) if attack[1].isspace()]
    assert any(cost(one, attack, SECOND) > 8 * cost(one, attack, FIRST) for attack in tried)


def slow_ones(share: int) -> list[str]:
    """Those that are not linear on one of ``share`` of the attacks."""
    rng = Random(4)
    return [
        f"{one.where} {one.pattern[:80]!r} on {attack}"
        for one in found()
        for attack in attacks(one.pattern, one.flags)
        if rng.randrange(share) == 0 and not is_linear(one, attack)
    ]


@pytest.mark.long
def test_they_are_linear_on_some_texts() -> None:
    assert slow_ones(12) == []


@pytest.mark.slow
def test_they_are_linear_on_all_texts() -> None:
    assert slow_ones(1) == []


HEADS = (
    "",
    "Nov 23 16:08:43 vm k3s[801]: ",
    'Nov 23 16:08:43 vm k3s[801]: time="2026-11-23T16:08:43Z" level=info msg="',
    'time="2026-11-23T16:08:43Z" level=fatal msg="x" error="',
    "Nov 23 16:08:43 vm k3s[801]: E1123 16:08:43.123456     801 x.go:1] ",
    'Nov 23 16:08:43 vm k3s[801]: {"level":"warn","ts":"2026-11-23T16:08:43.1Z","msg":"',
    "Nov 23 16:08:43 vm systemd[1]: ",
    'time="2026-11-23T16:08:43Z" level=info msg="Polling for API server readiness: GET /readyz failed: ',
    '{"log":"',
    "I",
)


def through_everything(head: str, piece: str) -> float:
    text = (head + piece * (LINE // len(piece.encode("utf-8", "surrogatepass"))))[: LINE - 1]
    rows = [
        b'Nov 23 16:08:42 vm k3s[801]: time="2026-11-23T16:08:42Z" level=info msg="Starting k3s v1.32.4+k3s1 (6b33)"',
        text.encode("utf-8", "replace").replace(b"\n", b" "),
    ]
    begun = time.process_time()
    check_lines(rows, whole=True)
    return time.process_time() - begun


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_the_longest_lines_of_everyday_pieces(head: str) -> None:
    pieces = Random(head).sample(EVERYDAY, 5)
    slow = {piece: took for piece in pieces if (took := through_everything(head, piece)) > LINE_S}
    assert slow == {}


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_the_longest_lines_of_every_piece(head: str) -> None:
    pieces = sorted({piece for one in found() for _, piece, _ in attacks(one.pattern, one.flags)} | set(EVERYDAY))
    slow = {piece: took for piece in pieces if (took := through_everything(head, piece)) > LINE_S}
    assert slow == {}
