"""The lists of what the sources say when something ends, fails or waits, held against the vocabulary.

The lists in ``tests/data`` were made by ``tools/source_ends.py`` (docs/vocabulary.md says from which commits).
"""

from __future__ import annotations

import re

from tools import source_ends as ends

# What runs in the process of a server or an agent: all of it must be known.
OURS = re.compile(r"pkg/(?:cli|server|daemons|cluster|etcd|agent|executor|rke2|bootstrap|podexecutor|staticpod)/")


def listed() -> list[ends.Row]:
    return [row for path in ends.LISTED for row in ends.read(path)]


def test_every_message_is_known_or_left_out_with_a_reason() -> None:
    reasons = ends.left_out()
    missed = [row for row in listed() if not ends.known(row)]
    assert [row for row in missed if (row.product, row.text) not in reasons] == []
    assert set(reasons) == {(row.product, row.text) for row in missed}, "a reason for what is known or not listed"


def test_nineteen_of_twenty_are_known() -> None:
    rows = listed()
    assert len(rows) > 1900
    for products in ({"k3s", "rke2"}, {row.product for row in rows} - {"k3s", "rke2"}):
        of_them = [row for row in rows if row.product in products]
        assert sum(map(ends.known, of_them)) >= 0.95 * len(of_them), products


def test_what_ends_a_server_or_an_agent_is_known_or_known_with_more_words() -> None:
    """What is left out there has too few words to be told from others, and stands with more in the layers."""
    missed = [
        row for row in listed() if OURS.match(row.place) and row.kind in ("fatal", "panic") and not ends.known(row)
    ]
    assert missed == []


def test_the_page_is_that_of_the_lists() -> None:
    assert (ends.ROOT / "docs" / "vocabulary.md").read_text() == "".join(ends.page()), "make it anew: see the tool"


def test_messages_of_a_go_file() -> None:
    source = """
    // logrus.Fatal("a comment")
    func run() error {
        if err := x(); err != nil { return errors.WithMessage(err, "failed to do") }
        wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
            logrus.Infof("Waiting for %s: %v", name, err)
            logrus.Debugf("not listed: waiting")
            return false, nil
        })
        logrus.Info("nothing to see")
        if bad { return fmt.Errorf("bad value %q: %w", v, err) }
        logrus.Fatal("the " + kind + " ended")
        panic("no \\"way\\"")
    }
    """
    assert [(kind, text) for _, kind, text in ends.messages(source)] == [
        ("wrapper", "failed to do"),
        ("wait", "Waiting for %s: %v"),
        ("wrapper", "bad value %q"),
        ("fatal", "the %s ended"),
        ("panic", 'no "way"'),
    ]
