"""The layers around a line's message, peeled in a loop; and lines that a container runtime cut into pieces."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from analyzer.records import carriers
from analyzer.records.carriers.carrier import Envelope
from analyzer.records.draft import Outer
from analyzer.records.payloads import is_stamped_payload
from analyzer.records.printable import strip_terminal
from analyzer.sources.raw_lines import LINE_LIMIT

MAX_LAYERS = 6  # deeper than any seen: CI, its viewer, compose, the runtime, the journal, the message


class Layers:
    """Peels the lines of one text; the carrier of the line before is tried first."""

    def __init__(self) -> None:
        self._peelers = [(carrier, carrier.peel) for carrier in carriers.CARRIERS if carrier.peel is not None]

    def first(self, text: str) -> Envelope | None:
        """The outermost layer of a line."""
        for at, (carrier, peel) in enumerate(self._peelers):
            layer = peel(text)
            if layer is not None:
                if at and not carrier.last_resort:
                    self._peelers.insert(0, self._peelers.pop(at))
                layer.carrier = layer.carrier or carrier.name
                return layer
        return None

    def peeled(self, text: str, outer: Envelope | None, in_pieces: Container[str]) -> Envelope | None:
        """All layers as one, ``outer`` (already taken off) among them; ``rest`` is the message. ``None``: none.

        A piece of a line that was cut, or that ends one of a stream ``in_pieces``, comes back alone.
        """
        found = outer
        for _ in range(MAX_LAYERS):
            layer = None if is_stamped_payload(text) else self.first(text)
            if layer is None:
                break
            if layer.partial or (layer.partial is False and layer.stream in in_pieces):
                return layer
            found = layer if found is None else _merged(found, layer)
            text = layer.rest
            if layer.tail:
                break
        if found is not None:
            found.rest = text
        return found


def _merged(outer: Envelope, inner: Envelope) -> Envelope:
    """The inner layer wins where it says anything: an outer stamp is the time of printing."""
    if inner.outer is Outer.NONE:
        inner.take_stamp(outer)
    inner.host = inner.host or outer.host
    inner.ident = inner.ident or outer.ident
    inner.unit = inner.unit or outer.unit
    if inner.pid is None:
        inner.pid = outer.pid
    inner.tail = inner.tail or outer.tail
    inner.newest_first = inner.newest_first or outer.newest_first
    return inner


@dataclass(slots=True)
class CutLine:
    """The pieces of a line so far; its own stamp is the first piece's."""

    number: int
    envelope: Envelope
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def rows(self) -> list[str]:
        """The lines of the message in it."""
        return strip_terminal("".join(self.texts)).split("\n")


class Pieces:
    """Lines that docker or CRI cut, by the stream they are of."""

    def __init__(self) -> None:
        self.waiting: dict[str, CutLine] = {}

    def joined(self, piece: Envelope, number: int) -> CutLine | None:
        """The line that ends with this piece; ``None``: it goes on."""
        line = self.waiting.pop(piece.stream, None) or CutLine(number, piece)
        if line.size < LINE_LIMIT:
            line.texts.append(piece.rest)
            line.size += len(piece.rest)
        if piece.partial:
            self.waiting[piece.stream] = line
            return None
        return line
