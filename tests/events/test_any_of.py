from __future__ import annotations

import re

from hypothesis import given, strategies as st

from analyzer.events.any_of import _MANY, AnyOf, expression

WORDS = st.lists(st.text("ab.*\\n(", max_size=4), max_size=8)
TEXT = st.text("ab.*\\n(", max_size=30)


@given(WORDS, TEXT)
def test_the_expression_finds_a_text_that_holds_a_word_and_no_other(words: list[str], text: str) -> None:
    assert (re.search(expression(words), text) is not None) == any(word in text for word in words)


@given(WORDS, TEXT)
def test_no_word_is_ever_passed_over(words: list[str], text: str) -> None:
    some = AnyOf(words)
    for _ in range(3):
        assert some.in_(text) or not any(word in text for word in words)
        some._asked = _MANY


def test_many_texts_are_looked_at_with_one_expression() -> None:
    some = AnyOf(["panic", "fatal"])
    assert [some.in_("all is well") for _ in range(_MANY + 1)] == [True] * _MANY + [False]
    assert some.in_("a panic") and not some.in_("a pan")
