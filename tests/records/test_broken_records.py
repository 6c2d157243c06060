"""Which lines a pager cut, and which lines below a broken record are its rest."""

from __future__ import annotations

import pytest

from analyzer.records.broken_records import RightEdge
from analyzer.records.draft import Draft, Tally
from analyzer.records.log_record import LogRecord
from tests.kit.handmade import Journal


@pytest.mark.parametrize(
    ("rows", "cut"),
    [
        (["words at the edge>"], []),
        (["words at the edge>", "others at its rim>"], [0, 1]),
        (["words at the edge>", "others at its rim>", "short>"], [0, 1]),
        (["words at the edge>", "others at its rim>", "one that is wider"], [0, 1]),
        (["words at the edge>", "others at its rim>", "one that is wider."], [0, 1]),
        (["words at the edge>", "others at its rim>", "one that is wider.."], []),
        (["words at the edge.", "others at its rim."], []),
    ],
)
def test_lines_as_wide_as_the_widest_that_end_in_the_pagers_mark_were_cut(rows: list[str], cut: list[int]) -> None:
    edge, tally = RightEdge(), Tally("x", 0)
    drafts = [Draft(0, number, row, row) for number, row in enumerate(rows)]
    for row, draft in zip(rows, drafts, strict=True):
        edge.see(row, [draft])
    edge.settle(tally)
    assert [number for number, draft in enumerate(drafts) if draft.truncated] == cut
    assert [draft.message.endswith(">") for draft in drafts].count(True) == sum(r[-1] == ">" for r in rows) - len(cut)
    assert tally.reasons["cut at the right edge by the pager"] == len(cut)


def records(*rows: str) -> list[LogRecord]:
    return [r for r in Journal().log_records(("\n".join(rows) + "\n").encode()).records if r.message]


@pytest.mark.parametrize(
    ("begin", "rest", "message"),
    [
        ("x" * 40, 'and its end"', "x" * 40 + " and its end"),  # a mail: between words
        ("x" * 120, 'and its end"', "x" * 120 + "and its end"),  # a terminal: anywhere
        ("x" * 119 + ":", 'and its end"', "x" * 119 + ": and its end"),
        ("x" * 120, 'level=info msg="another"', None),
        ("x" * 120, "prose that closes nothing", None),
    ],
)
def test_what_closes_the_quote_is_the_rest(begin: str, rest: str, message: str | None) -> None:
    found = records(f'level=error msg="{begin}', rest)
    assert (len(found) == 1) is (message is not None)
    assert found[0].message == (message or begin)
    assert found[0].truncated is (message is None)


@pytest.mark.parametrize(("width", "glue"), [(80, " "), (81, "")])
def test_up_to_eighty_columns_it_was_a_mail(width: int, glue: str) -> None:
    head = 'level=error msg="'
    begin = "x" * (width - len(head))
    assert [record.message for record in records(head + begin, 'and its end"')] == [f"{begin}{glue}and its end"]
