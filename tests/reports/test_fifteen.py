from __future__ import annotations

import re

import pytest

from tests.kit.fifteen import KINDS, report


@pytest.mark.parametrize("name", KINDS)
def test_the_first_eight_lines_hold_the_cause_and_what_to_do(name: str) -> None:
    text, several = report(name)
    lines = text.splitlines()
    assert len(lines) <= (30 if several else 24)
    assert all(len(line) <= 80 for line in lines)
    first = " ".join(" ".join(lines[:8]).split())
    assert re.search(KINDS[name].cause, first), first
    assert re.search(KINDS[name].action, first), first
