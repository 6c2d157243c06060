"""The metamorphic law over all carriers of the generator: whatever a journal came in, no window misses the truth.

What a carrier cannot hold (systemd's lines in a container's log, a date, what a pager cut off) may be unknown in its
report, never wrong. Named stories are among the seeds: every fifth one.
"""

from __future__ import annotations

import pytest

from analyzer.testing import BASIC, CARRIERS, LOSSY
from tests.kit.thinned import thinned
from tests.test_generated import made, report_of, wrong_claims

WHOLE = tuple(c for c in CARRIERS if c not in BASIC and c not in LOSSY)
FEW = (0, 4, 11, 33, 65)  # an agent, months that languages disagree about, two starts, two hosts, another zone
MORE = (1, 6, 14, 25, 37, 49, 59, 68, 81, 110, 121, 134, 136, 211)


@pytest.mark.parametrize("carrier", thinned(WHOLE, 4))
def test_no_window_misses_the_truth_in_any_carrier(carrier: str) -> None:
    wrong = [words for seed in FEW for words in wrong_claims(seed, (carrier,))]
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize("carrier", thinned(LOSSY, 3))
def test_what_is_missing_is_unknown_not_absent(carrier: str) -> None:
    wrong = [words for seed in (*FEW, *MORE) for words in wrong_claims(seed, (carrier,))]
    assert not wrong, "\n".join(wrong[:20])


def test_pastes_that_lost_little_still_tell_much() -> None:
    """A text cut at 140 columns has lost its check lists, not its verdict."""
    ready = sum(report is not None and report.starts[-1].outcome == "ready"
                for report in (report_of(made(seed), "pager") for seed in range(20)))  # fmt: skip
    assert ready >= 10


@pytest.mark.slow
@pytest.mark.parametrize("first", range(200, 400, 20))
def test_no_window_misses_the_truth_in_many_more(first: int) -> None:
    wrong = [words for seed in range(first, first + 20) for words in wrong_claims(seed, (*WHOLE, *LOSSY))]
    assert not wrong, "\n".join(wrong[:40])
