"""Names are found where words end, the longest first, at a cost that does not grow with their number."""

from __future__ import annotations

import random
import re

import pytest

from analyzer.reports.learnt_names import LearntNames
from tests.kit.effort import proportional


def learnt(*names: str) -> LearntNames:
    known = LearntNames()
    for name in names:
        known.add(name)
    return known


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        (["alpha"], "Alpha, alphas, xalpha, alpha-1 and 'alpha'", "<Alpha>, alphas, xalpha, <alpha>-1 and '<alpha>'"),
        (["node", "node-1", "node-1-b"], "node-1-b node-1-bc node-12 node", "<node-1-b> <node-1>-bc <node>-12 <node>"),
        (["alpha"], r"on \nalpha and \tALPHA and nalpha", r"on \n<alpha> and \t<ALPHA> and nalpha"),
        (["nalpha", "alpha"], r"\nalpha", r"\<nalpha>"),
        (["öl-1", "_x"], "Öl-1 a_x _x", "<Öl-1> a_x <_x>"),
        (["jo smith", "jo"], "C:/Users/Jo Smith/x, jo", "C:/Users/<Jo Smith>/x, <jo>"),
        (["alpha"], "İ alpha", "İ <alpha>"),
        ([], "alpha", "alpha"),
    ],
)
def test_where_names_are_found(names: list[str], text: str, expected: str) -> None:
    assert learnt(*names).replace(text, lambda found: f"<{found}>") == expected


def by_expression(names: list[str], text: str) -> str:
    choice = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = re.compile(rf"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:{choice})(?![A-Za-z0-9])", re.IGNORECASE)
    return found.sub(lambda match: f"<{match[0]}>", text)


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_one_expression_of_all_names_finds(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        names = [
            "".join(rng.choices("abn1", k=1)) + "".join(rng.choices("abn1.-_", k=rng.randrange(6))) for _ in range(5)
        ]
        text = "".join(rng.choices(["a", "b", "n", "1", ".", "-", "_", "\\", " ", *names], k=30))
        assert learnt(*names).replace(text, lambda found: f"<{found}>") == by_expression(names, text), (names, text)


def test_thousands_of_names_cost_a_line_no_more_than_few() -> None:
    line = "lookup node-7-x on node-1234: connection refused by alpha and no other thing " * 4

    def looks(count: int) -> list[int]:
        known = learnt("alpha", *(f"node-{number}" for number in range(count)))
        asked: list[int] = []
        length = known._length

        def counted(low: str, at: int, lengths: list[int]) -> int:
            asked.append(len(lengths))
            return length(low, at, lengths)

        known._length = counted  # type: ignore[method-assign, assignment]
        known.replace(line, str)
        return asked

    assert sum(looks(10_000)) <= 5 * len(looks(10))


@pytest.mark.parametrize("piece", ["alpha-", "\\n", "alpha ", "a", "\\nalpha", "_", "alpha-1-"])
def test_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    known = learnt("alpha", "alpha-1", "alpha-1-x", "_x", *(f"alpha-{'x' * n}" for n in range(40)))
    assert proportional(lambda size: known.replace(piece * (size // len(piece)), str), 80_000)
