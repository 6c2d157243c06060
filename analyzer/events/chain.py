"""The words with which something failed, read from the outside in: ``preparing server: failed to …: dial tcp …``.

Go's programs wrap an error at each step that it passes, with a colon in between. Each layer is known by itself (the
files of ``layers/``, taken from the sources: ``docs/vocabulary.md``), and so is the class of the error at the bottom
(``parts.toml``): a new error under a known wrapper still tells where it happened and what kind it is. The outermost
layer says who ended, the innermost known one what that means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

from analyzer.events.vocabulary import TEXT_LIMIT, LazyPattern, load, read_as
from analyzer.records.grouping import grouped

FOLDER = "layers"
PARTS = f"{FOLDER}/parts.toml"
_VERB = re.compile(r"%(?:%|[-+# 0]*[\d.]*[a-zA-Z])")
_KEY = 4  # layers that begin with words of their own are found by their first characters
_VALUE = r"(?:(?!: )[^\n]){0,300}?"  # a name, a path, a number: no layer of its own
_ANYTHING = r"[^\n]{0,300}?"  # an error in the middle of a text
# As many blanks as stand there: with fewer, each value beside them would share a long run of them in every way.
_GAP = r"(?<!\s)\s+(?!\s)"
_QUOTED = r'\\{0,3}"(?:(?!: )[^"\\\n]){0,300}\\{0,3}"'  # a name in quotes; words with a colon are another message
# What is put in at the end of a text goes as far as it may.
_TO_THE_END = rf"(?:{_QUOTED}|(?:(?![:,;)] |[\"\\\n]).){{0,300}})"
LAYER_END = r"(?=[\s.,;:)\]\"\\]|$)"  # what stands behind a layer
_MOST_LAYERS = 32
_MOST_BEGINNINGS = 256  # places where a layer may begin, that are looked at
_OWN_FILES = ("k3s_", "rke2")
_LONGEST_WORDS = 300  # characters before the first %
_CUT = " \xa0.…>\t\n"  # what stands where a message was cut
_TELLING_OF_CUT, _MOST_OF_CUT = 12, 3  # characters that must be there of a cut message, layers that it may be
_GOES_ON = ("", ":", ";", ",", ".", '"', "\\")  # what may stand behind a message that is over
_TELLING = 16  # characters of its own that a layer needs to tell whose words they are
_BOUNDARY = re.compile(r'(?:: |(?<!\\)\\*"|\[|; |\n|desc = )+|, ')
BEFORE = re.compile(
    r"(?:Error: |Shutdown request received: |fatal: |Observed a panic: |panic: |"
    r"F\d{4} [\d:.]{8,15} {1,8}\d{1,7} [\w.]{1,40}:\d{1,5}\] )+"
)
USUAL_S = 60.0  # for how long a start may try something again
Ends = Literal["process", "part", "request", "retried"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One message of the sources. ``text`` are its spellings, as Go's format strings without the error they end with.

    ``title`` says what went wrong, ``means`` more of it, ``advice`` what to do where the error inside does not say it,
    ``patience`` the same for as long as nothing ended with it ("it passes", "once is harmless"): never of an end.
    ``problem`` names the problem of the catalogue that says the same. ``ends``: what ends with it (the process, a part
    of it, a request) or that it is tried again; for ``usual_s`` seconds that is part of a start. ``product``: only that
    one says it so.
    """

    text: tuple[str, ...]
    part: str
    title: str = ""
    means: str = ""
    advice: str = ""
    patience: str = ""
    problem: str = ""
    finding: str = ""  # the id of the finding that reports an end with it, where it has one of its own
    ends: Ends = "process"
    product: str = ""
    own: bool = False  # of k3s or RKE2 themselves: no other program says so
    usual_s: float = USUAL_S

    def advice_where(self, *, ended: bool) -> str:
        """What to do where something ended with it, or where it goes on; empty where the layer does not say it."""
        return self.advice if ended else self.patience or self.advice


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """The class of an innermost error; the keys are explained in ``parts.toml``."""

    id: str
    short: str
    alone: str = ""
    any: tuple[str, ...] = ()
    match: LazyPattern | None = None
    parts: frozenset[str] = frozenset()
    target: LazyPattern | None = None
    means: str = ""
    advice: str = ""
    problem: str = ""
    symptom: bool = False
    decides: bool = False

    def titled(self, target: str) -> str:
        """What failed, in one line of its own."""
        if self.alone:
            return self.alone.replace("{target}", target or "A file")
        return f"{target}: {self.short}" if target else self.short[:1].upper() + self.short[1:]


@dataclass(frozen=True, slots=True)
class Part:
    """What is at work where a layer is said."""

    id: str
    name: str
    advice: str = ""
    product: str = ""
    role: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A known layer in a text, and where it stands in it."""

    layer: Layer
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """``links`` from the outside in; ``inner`` is what follows the last of them; ``target`` what the class is about."""

    text: str
    links: tuple[Link, ...] = ()
    inner: str = ""
    error: ErrorClass | None = None
    target: str = ""

    @property
    def outermost(self) -> Layer | None:
        """Who ended."""
        return self.links[0].layer if self.links else None

    @property
    def leads(self) -> bool:
        """Whether the message begins with the outermost layer: what unknown words around it end is not known."""
        return bool(self.links) and self.links[0].begin == begin_of(self.text)

    @property
    def innermost(self) -> Layer | None:
        """What it means."""
        return self.links[-1].layer if self.links else None

    @property
    def whole(self) -> bool:
        """Whether all of the message is known: nothing follows the innermost layer, or an error of a known class."""
        return self.error is not None or not self.inner.strip(' ."\\')

    @property
    def _told_alone(self) -> bool:
        """Whether the error inside says all by itself, whatever step of the start met it."""
        return self.error is not None and self.error.decides and bool(self.error.alone)

    @property
    def title(self) -> str:
        """What went wrong, in one line; empty where no layer is known."""
        layer = self.innermost
        if self.error is not None and self._told_alone:
            return self.error.titled("{target}" if self.target else "")
        if layer is None or not layer.title:
            return ""
        return f"{layer.title}: {self.error.short}" if self.error is not None else layer.title

    @property
    def means(self) -> str:
        """What the innermost layer and the error inside it say, in sentences."""
        if self._told_alone:
            return self.error.means if self.error is not None else ""
        told = (self.innermost.means if self.innermost else "", self.error.means if self.error else "")
        return " ".join(text for text in told if text)

    def advice_where(self, *, ended: bool) -> str:
        """What to do: by the innermost layer that knows, then by the class of the error, then by the part.

        Where nothing ended with it, a layer's advice for as long as it is tried again goes first.
        """
        layer = self.innermost
        if self.error is not None and self.error.decides:
            return self.error.advice
        if layer is not None and (said := layer.advice_where(ended=ended)):
            return said
        if self.error is not None and self.error.advice:
            return self.error.advice
        return part(layer.part).advice if layer is not None else ""


@cache
def layers() -> tuple[Layer, ...]:
    """All of them, file by file."""
    names = sorted(path.name for path in Path(__file__).with_name(FOLDER).glob("*.toml"))
    files = [(name, load(f"{FOLDER}/{name}")) for name in names]
    return tuple(
        read_as(Layer, file.get("every", {}) | raw, own=name.startswith(_OWN_FILES))
        for name, file in files
        for raw in file.get("layer", ())
    )


@cache
def parts() -> Mapping[str, Part]:
    """All parts by name."""
    return {name: read_as(Part, raw, id=name) for name, raw in load(PARTS)["part"].items()}


def part(name: str) -> Part:
    """One of them.

    Raises:
        KeyError: there is none of that name.
    """
    return parts()[name]


@cache
def classes() -> tuple[ErrorClass, ...]:
    """The classes of innermost errors, in the order in which they are tried."""
    return tuple(read_as(ErrorClass, raw) for raw in load(PARTS).get("class", ()))


def begin_of(text: str) -> int:
    """Where the message begins, behind the words that every end may have in front."""
    before = BEFORE.match(text)
    return before.end() if before is not None else 0


def shown_whole(text: str) -> str:
    """A message for people: one that ends with a colon says that it gives no reason."""
    return f"{text.rstrip()} (no reason given)" if text.rstrip().endswith(":") else text


def usual_s(read: Chain) -> float:
    """For how long a message that is tried again is part of a start, at most."""
    return max((link.layer.usual_s for link in read.links), default=USUAL_S)


def expression(text: str) -> str:
    """The regular expression of a Go format string: ``%s`` and its like stand for anything short."""
    verbs = [*(_ANYTHING if verb[-1] in "vw" else _VALUE for verb in _VERB.findall(text)), ""]
    words = [re.sub(r"(?:\\\s)+", lambda _: _GAP, re.escape(part)) for part in _VERB.split(text)]
    if len(words) > 1 and not words[-1]:
        verbs[-2] = _TO_THE_END
    return "".join(part + verb for part, verb in zip(words, verbs, strict=True))


def words_of(text: str) -> str:
    """The words with which a format string begins, before the first ``%``."""
    return _VERB.split(text, maxsplit=1)[0]


def _spaced(text: str) -> str:
    """With one space where a line ends or several stand: what a carrier makes of a text."""
    return re.sub(r"\s+", " ", text)


@dataclass(frozen=True, slots=True)
class _Shape:
    layer: Layer
    words: str
    begin: str  # the same as printed
    whole: bool  # nothing is put in: its words are all of it
    pattern: LazyPattern
    length: int  # of its own words: of two that fit, the one that says more


@cache
def _index() -> tuple[Mapping[str, tuple[_Shape, ...]], tuple[_Shape, ...]]:
    shapes = [
        _Shape(
            layer,
            _spaced(words_of(text)).lower(),
            _spaced(words_of(text)),
            words_of(text) == text,
            LazyPattern(rf"(?i)^{expression(text)}{LAYER_END}"),
            len(_VERB.sub("", text)),
        )
        for layer in layers()
        for text in layer.text
    ]
    shapes.sort(key=lambda shape: -shape.length)
    told = grouped((shape.words[:_KEY], shape) for shape in shapes if len(shape.words) >= _KEY)
    return told, tuple(shape for shape in shapes if len(shape.words) < _KEY)


@lru_cache(maxsize=1024)
def read(text: str, product: str = "unknown") -> Chain:
    """The layers of a message and the class of the error at its bottom; never raises.

    Where both products say the same words and mean different things, those of ``product`` count.
    """
    whole = text[:TEXT_LIMIT].strip()
    links: list[Link] = []
    at = begin_of(whole)
    for begin in islice(_beginnings(whole, at), _MOST_BEGINNINGS):
        if begin >= at and len(links) < _MOST_LAYERS and (link := _at(whole, begin, product)) is not None:
            links.append(link)
            at = link.end
    inner = whole[links[-1].end :].lstrip(": ") if links else whole
    error, target = classify(inner, links[-1].layer.part if links else "")
    if links and (error is None or not error.decides):
        # What a layer put in may be what decides: the flag of a value that is not allowed.
        more, about = classify(whole[links[-1].begin :], links[-1].layer.part)
        if more is not None and more.decides and more.alone and not _is_its_own(more, links[-1].layer):
            error, target = more, about
    return Chain(whole, tuple(links), inner, error, target)


def _is_its_own(error: ErrorClass, layer: Layer) -> bool:
    """Whether the words of the class are those of the layer itself, which then knows more of it."""
    return any(words in text for words in error.any for text in layer.text)


def begins_with(text: str, ends: Ends) -> bool:
    """Whether the first words are those of a layer that ends so, as far as its words before the first ``%`` tell.

    Many times quicker than reading the whole.
    """
    return any(shape.layer.ends == ends for shape in _begun(text))


def begun_by_cut(text: str, product: str = "unknown") -> dict[Layer, str]:
    """The layers that a cut message may be, with the words that each goes on to say.

    Empty where too little of it is left to say anything, or where it may be one of many.
    """
    shown = _spaced(text).strip(_CUT)
    if len(shown) < _TELLING_OF_CUT:
        return {}
    found: dict[Layer, str] = {}
    every = (shape for shapes in _index()[0].values() for shape in shapes)
    for shape in (shape for shape in every if shape.words.startswith(shown.lower())):
        if product in ("unknown", shape.layer.product) or not shape.layer.product:
            found.setdefault(shape.layer, shape.begin.strip())
    found = {layer: words for layer, words in found.items() if words.startswith(shown)} or found
    return found if len(found) <= _MOST_OF_CUT else {}


def is_ours(text: str) -> bool:
    """Whether a message begins with words that only k3s or RKE2 have, letter by letter: others say nearly the same."""
    own = (shape for shape in _begun(text) if shape.layer.own and len(shape.words) >= _TELLING)
    return any(_as_printed(shape, text) for shape in own)


def _as_printed(shape: _Shape, text: str) -> bool:
    """Whether the words are those of the sources in their own case, and do not go on as another message.

    Programs like k3s say "Containerd Exited: …" and "containerd exited with error: …".
    """
    spelled = _spaced(text[:_LONGEST_WORDS])
    return spelled.startswith(shape.begin) and (not shape.whole or spelled[len(shape.begin) :][:1] in _GOES_ON)


def _begun(text: str) -> list[_Shape]:
    """The messages with whose own words a text begins."""
    possible = _index()[0].get(text[:_KEY].lower(), ())
    low = _spaced(text[:_LONGEST_WORDS]).lower() if possible else ""
    return [shape for shape in possible if low.startswith(shape.words)]


def _beginnings(text: str, at: int) -> Iterator[int]:
    """Where a layer may begin: behind a colon or a quote, and behind a comma in a list of errors (``[a, b]``)."""
    yield at
    depth, counted = 0, 0
    for boundary in _BOUNDARY.finditer(text, at):
        depth += text.count("[", counted, boundary.start()) - text.count("]", counted, boundary.start())
        counted = boundary.start()
        if boundary[0] != ", " or depth > 0:
            yield boundary.end()


def _at(text: str, begin: int, product: str) -> Link | None:
    told, others = _index()
    rest = text[begin : begin + 2000]
    low = _spaced(rest[:200]).lower()
    possible = [shape for shape in (*told.get(low[:_KEY], ()), *others) if low.startswith(shape.words[:200])]
    possible = [shape for shape in possible if product in ("unknown", shape.layer.product) or not shape.layer.product]
    wanted = "" if product == "unknown" else product
    possible.sort(key=lambda shape: (-shape.length, shape.layer.product != wanted))
    for shape in possible:
        if (found := shape.pattern.search(rest)) is not None:
            return Link(shape.layer, begin, begin + found.end())
    return None


def classify(text: str, said_in: str = "") -> tuple[ErrorClass | None, str]:
    """The class of an innermost error and what it is about; ``None`` where no class is known.

    ``said_in`` is the part whose layer wraps it: the same words mean a connection in one and a file in another.
    """
    own_words = _FILE_NAME.sub("/", text)
    for one in classes():
        if _fits(one, text, own_words, said_in):
            about = one.target.search(text) if one.target is not None else None
            return one, about[1] if about is not None else ""
    if text.isupper() and " " in text:  # somebody's capitals: Go writes none
        return classify(text.lower(), said_in)
    return None, ""


# What a file is called says nothing of what happened to it: "config.toml: permission denied" is no error of TOML.
_FILE_NAME = re.compile(
    r"(?<![\w:/.])/[^\s\":]{1,400}(?=[\s\":]|$)|"
    r"(?<![\w.-])[\w.-]{1,100}\.(?:json|toml|ya?ml|db|sock|crt|key|log|conf|zst|gz)(?=[\s\":]|$)"
)


def _fits(one: ErrorClass, text: str, own_words: str, said_in: str) -> bool:
    if one.any and not any(words in own_words for words in one.any):
        return False
    return one.match is None or said_in in one.parts or one.match.search(text) is not None
