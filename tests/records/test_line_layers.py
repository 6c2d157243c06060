"""Layers around a message: how many, and which is the last."""

from __future__ import annotations

import pytest

from analyzer.records import carriers
from analyzer.records.carriers.carrier import Carrier, Envelope
from analyzer.records.draft import Outer
from analyzer.records.line_layers import MAX_LAYERS, Layers


def test_behind_the_writer_stands_the_message() -> None:
    """Also where it looks like another line of a log."""
    quoted = "Mar 01 06:00:00 node-b sshd[7]: words"
    found = Layers().peeled(f"Mar 01 06:03:22 node-a k3s[5]: {quoted}", None, ())
    assert found is not None
    assert (found.host, found.ident, found.pid, found.rest) == ("node-a", "k3s", 5, quoted)


@pytest.mark.parametrize(("layers", "left"), [(1, 0), (MAX_LAYERS, 0), (MAX_LAYERS + 1, 1)])
def test_so_many_layers_are_taken_off(layers: int, left: int) -> None:
    layer = "2026-03-01T06:00:00.000000000Z "
    found = Layers().peeled(layer * layers + "words", None, ())
    assert found is not None and found.rest == layer * left + "words"


def test_what_is_left_of_another_record_is_looked_for_last_also_behind_such_a_line() -> None:
    layers = Layers()
    junk = layers.first('-9time="2026-03-01T06:00:00Z" level=info msg="words"')
    assert junk is not None and junk.carrier == "junk"
    again = layers.first('server-1  | time="2026-03-01T06:03:22Z" level=info msg="words"')
    assert again is not None and (again.carrier, again.host) == ("wrapped", "server-1")


def test_where_two_can_read_a_line_the_carrier_of_the_line_before_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(name: str) -> Carrier:
        return Carrier(name, Outer.NONE, peel=lambda text: Envelope(text) if name in text else None)

    monkeypatch.setattr(carriers, "CARRIERS", (of("one"), of("two"), of("three")))
    layers = Layers()
    read = [layers.first(text) for text in ("one two", "two three", "one two", "three", "one two three", "one two")]
    assert [layer.carrier for layer in read if layer is not None] == ["one", "two", "two", "three", "three", "two"]
