"""What a message says as a whole: what ends or waits with it, its layers from the outside in, the error at its bottom.

The same words as in a report of ``analyze``: both ask ``causes``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.events import chain, finding_info
from analyzer.events.catalogue import info as rule_of, is_foreign, match as marks_of, unquote_once
from analyzer.events.causes import END, UNNAMED, Cause, advice_for, cause_of, title_for
from analyzer.events.chain import Chain, Layer, Link
from analyzer.events.exit_codes import exit_code
from analyzer.events.products import advise, advise_on, only_rke2_says
from analyzer.events.redaction import mask_secrets
from analyzer.records.log_record import LogRecord
from analyzer.reports.explain_entry import Entry, headed, sentence
from analyzer.site import Site

KIND = "message"
_SHOWN = 200  # characters of a layer
_QUOTED = 3  # levels of quotes around a message
_ENDING = frozenset(("fatal", "panic"))
_QUIET = frozenset(("debug", "info", "warning"))
_BANNER = "starting k3s "
_WINDOWS = re.compile(r"%PATH%|\b[A-Z]:\\")
_RKE2_PORT = re.compile(r"https://[^\s/\"]{1,100}:9345\b")  # of its supervisor; k3s' is 6443
_VERB = re.compile(r"%[wvsq]")  # what a message as its source has it ends with
_BESIDE = "Said beside the end that stands above: by itself it ended nothing."


@dataclass(frozen=True, slots=True)
class Message:
    """A message out of a pasted line. ``ends``: the words of its line alone say that the process ends with it;
    ``foreign``: they are those of another program, which alone ends."""

    text: str
    level: str = ""
    ends: bool = False
    foreign: bool = False


def site_of(text: str, records: Sequence[LogRecord]) -> Site:
    """Whose words the answer uses, as far as the pasted text shows it."""
    # RKE2's own messages speak of k3s, too: only the program's name before a line shows that it is k3s'.
    idents, low = {record.ident or "" for record in records}, text.lower()
    k3s = any("k3s" in one for one in idents) or _BANNER in low
    rke2 = "rke2" in low or (not k3s and (_RKE2_PORT.search(low) is not None or _is_rke2s(text, records)))
    product = "rke2" if rke2 else "k3s" if k3s else "unknown"
    agent = f"{product}-agent" in low or f"{product} agent" in low
    windows = product != "k3s" and _WINDOWS.search(text) is not None
    return Site(
        product="rke2" if windows else product,
        role="agent" if agent or windows else "unknown",
        supervisor="windows" if windows else "systemd",
    )


def _is_rke2s(text: str, records: Sequence[LogRecord]) -> bool:
    return any(only_rke2_says(said) for said in (text.strip(), *(record.message for record in records)))


def message_of(record: LogRecord) -> Message:
    """The message of a line: without stamps, level and quotes, with the field that says why."""
    why = record.fields.get("error") or record.fields.get("err") or ""
    text = bare(f"{record.message}: {why}" if why and why not in record.message else record.message)
    kinds = {mark.kind for mark in marks_of(record)}
    code = exit_code(text)
    ends = record.level in _ENDING or ("end" in kinds and (code is None or code.failed))
    foreign = ends and is_foreign(text)
    return Message(text, record.level, ends and not foreign, foreign)


def bare(text: str) -> str:
    """Without quotes around the whole (``%q``)."""
    text = text.strip()
    for _ in range(_QUOTED):
        text, before = unquote_once(text).strip(), text
        if text == before:
            break
    return text


def is_end(message: Message, site: Site) -> bool:
    """Whether the process ends with these words."""
    return _ends(message, chain.read(message.text, site.product))


def entry_of(message: Message, site: Site, *, beside_end: bool = False) -> Entry | None:
    """What is known of it as a whole; ``None`` where no layer is known and nothing ends with it.

    ``beside_end``: another line of the same text is the end, so that nobody is told of this one that it passes.
    """
    read = chain.read(message.text, site.product)
    ends = _ends(message, read)
    if not read.links and not message.ends:
        return None
    beside_end = beside_end and not ends
    cause = cause_of(message.text, site.product, ended=message.ends or beside_end)
    title, means, advice = _told(cause, read, site)
    cut = _cut_inside(read)
    return Entry(
        KIND,
        _name(cause, read),
        sentence(title),
        headed(
            ("What it means", sentence(means)),
            ("What comes of it", _BESIDE if beside_end else _becomes(message, read, site)),
            ("Layers, from the outside in", [_layer(link, read) for link in read.links]),
            ("The error inside", [] if cut else _error(read, site)),
            ("It may go on so", cut),
            ("Where", f"In {chain.part(read.links[-1].layer.part).name}." if read.links else ""),
            ("What to do", sentence(advice)),
            ("Reported as", (cause.finding if cause is not None else END) if _is_end(message, read) else ""),
        ),
    )


def entry_of_class(text: str, site: Site) -> Entry | None:
    """What a mere error says, of which no layer and no class of answers is known."""
    error, target = chain.classify(bare(text))
    if error is None:
        return None
    advice = advise_on(error.advice, mask_secrets(target) or UNNAMED, site)
    return Entry(
        KIND,
        error.id,
        sentence(mask_secrets(error.titled(target))),
        headed(
            ("What it means", sentence(advise(error.means, site))),
            ("About", mask_secrets(target)),
            ("What to do", sentence(advice)),
        ),
    )


def entries_of_code(text: str, site: Site) -> list[Entry]:
    """How systemd says that a process failed (``code=exited, status=203/EXEC``), in words that are no line of its."""
    code = exit_code(text)
    found = entry_of(Message(bare(text), ends=True), site) if code is not None and code.failed else None
    return [found] if found is not None else []


def entries_of_cut(text: str, site: Site) -> list[Entry]:
    """The messages that a cut one may be."""
    found = [entry_of(Message(words), site) for words in chain.begun_by_cut(bare(text), site.product).values()]
    return [entry for entry in found if entry is not None]


def _told(cause: Cause | None, read: Chain, site: Site) -> tuple[str, str, str]:
    """Title, meaning and advice: those of the report, else of the innermost layer."""
    if cause is None and not read.links:
        return _unknown_end(read, site)
    if cause is None:
        layer = read.links[-1].layer
        return _title(layer) or layer.text[0], advise(layer.means, site), advise(chain.part(layer.part).advice, site)
    about = finding_info.about(cause.finding)
    known = rule_of(cause.rule.id) if cause.rule is not None else None
    means = cause.means or (known.description if known is not None else "") or about.meaning
    title = title_for(cause, site) or advise((_title(read.links[-1].layer) if read.links else "") or about.title, site)
    return title, advise(means, site), advice_for(cause, site)


def _unknown_end(read: Chain, site: Site) -> tuple[str, str, str]:
    """An end of which at most the class of its error is known."""
    about = finding_info.about(END)
    if read.error is None:
        return about.title, about.meaning, advise(about.advice, site)
    advice = advise_on(read.error.advice or about.advice, mask_secrets(read.target) or UNNAMED, site)
    return f"{about.title}: {read.error.short}", advise(read.error.means, site), advice


def _name(cause: Cause | None, read: Chain) -> str:
    """The problem's where the catalogue knows it, else the words of the innermost layer."""
    if cause is not None and cause.rule is not None:
        return cause.rule.id
    if read.links:
        return _words(read.links[-1], read)
    return cause.finding if cause is not None else END


def _words(link: Link, read: Chain) -> str:
    shown = mask_secrets(read.text[link.begin : link.end])
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _title(layer: Layer) -> str:
    named = rule_of(layer.problem) if layer.problem and not layer.title else None
    return named.title if named is not None else layer.title


def _layer(link: Link, read: Chain) -> str:
    layer = link.layer
    means = layer.means if len(read.links) > 1 else ""  # of a single one it stands above
    told = " ".join(sentence(text) for text in (_title(layer), means) if text)
    return advise(f"“{_words(link, read)}”: {told or 'a step that only wraps the next one.'}")


def _error(read: Chain, site: Site) -> list[str]:
    if read.error is None:
        rest = _VERB.sub("", read.inner).strip(" .")
        return [f"“{mask_secrets(rest)[:_SHOWN]}”: no class of errors is known for it."] if rest and read.links else []
    about = f" ({mask_secrets(read.target)})" if read.target else ""
    said = f"{read.error.short[:1].upper()}{read.error.short[1:]}"
    return [f"{said}{about}. {sentence(advise(read.error.means, site))}".strip()]


def _is_end(message: Message, read: Chain) -> bool:
    return _ends(message, read) or (not message.foreign and not message.level and _may_end(read))


def _ends(message: Message, read: Chain) -> bool:
    """Whether the process ends with it: its line says so, or words of k3s' own that no other level ever has."""
    return message.ends or (not message.level and read.leads and _may_end(read) and read.links[0].layer.own)


def _may_end(read: Chain) -> bool:
    return read.outermost is not None and (read.outermost.ends == "process" or not read.leads)


def _becomes(message: Message, read: Chain, site: Site) -> str:
    """What ends, waits or goes on after these words."""
    outer = read.outermost
    if _ends(message, read):
        return "The process ends with it."
    if message.foreign:
        return advise("Said by a program of its own, as crictl is: that one ends, {product} goes on.", site)
    if outer is None:
        return ""
    if _may_end(read):
        return _at_level(message.level)
    if outer.ends == "request":
        return "It answers one request or one subcommand; the server goes on."
    if outer.ends == "part":
        return advise("Only that part gives up; {product} goes on without it.", site)
    lasting = read.error is not None and not read.error.symptom
    when = (
        "This error does not heal by itself: when it is said again and again, it is what the start waits for."
        if lasting
        else f"For a moment it is part of a start; after {int(chain.usual_s(read))} s it is what the start waits for."
    )
    return advise(f"{{product}} says it and tries again: nothing ends with it. {when}", site)


def _at_level(level: str) -> str:
    """What comes of words that some lines end with and others only note."""
    if level in _QUIET:
        return f"Said at level {level}: the process goes on. As its last words it is why it ended."
    if level:
        return f"Said at level {level}: that try failed. Only as its last words it is why the process ended."
    return "At level fatal, or as its last words, it is why the process ended; otherwise only that try failed."


def _cut_inside(read: Chain) -> list[str]:
    """Behind known layers: messages of which only the first words are there."""
    if read.error is not None or not read.links:
        return []
    begun = chain.begun_by_cut(read.inner).items()
    return [f"{words}: {sentence(_title(layer))}" for layer, words in begun]
