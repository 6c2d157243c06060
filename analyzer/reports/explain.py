"""What a name or a message means: checks, errors, milestones, findings, fatal patterns, from the vocabulary's data.

``find`` looks a name up, ``recognise`` reads a pasted text as ``analyze`` would; ``explain_views`` writes the answer.
"""

from __future__ import annotations

import difflib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias, assert_never

from analyzer.analysis.normal_lines import asks_another
from analyzer.events import catalogue, causes, finding_info, poll_errors, witness_rules
from analyzer.events.check_info import HOOK, CheckInfo, info as check_info, known_checks
from analyzer.events.detect import detect
from analyzer.events.event import (
    HealthBlock,
    Mark,
    Placed,
    PollError,
    PollLine,
    PollUnchanged,
    WitnessLine,
    WitnessRule,
)
from analyzer.events.terms import Term, term, terms
from analyzer.events.versions import check_list, known_minors
from analyzer.events.vocabulary import load
from analyzer.records.log_record import LogRecord, Payload
from analyzer.records.printable import plain_blanks
from analyzer.reports import explain_message, wording
from analyzer.reports.explain_entry import Entry as Entry, Section as Section, filled, headed, sentence
from analyzer.reports.spelled import spelled
from analyzer.site import NOWHERE, Site

KINDS = {
    "check": "checks of /readyz",
    "error": "answers to polls",
    "milestone": "milestones and ends",
    "phase": "phases",
    "finding": "findings",
    "pattern": "messages of trouble",
    "noise": "messages that look bad and are normal",
    "witness": "lines that prove when a check passed",
}
_OF_UNIT = re.compile(r"\S{1,100}\.service: ")  # systemd's words without its name
_FAILED = re.compile(r"(?:failed|excluded)\b")
_MOST_LINES = 20  # of a pasted text, that are taken apart
_HEALING = frozenset(("noise", "error"))
_ANSWERS = ("whole", "contains", "ends", "example")
_TRANSPORT = frozenset(("dial", "read", "write", "connect:", "tls:", "remote"))  # Go's words before an error
# A path that is not /readyz, or a port on which an API server never listens (etcd, kubelet, DNS, databases).
_OTHER_REQUEST = re.compile(
    r'https?://[^\s/"\\]{1,200}/(?!readyz)[^\s"\\]|:(?:2379|2380|2381|10250|53|3306|4222|5432)\b'
)
_MARK_KINDS = {"end": "milestone", "problem": "pattern"}


Names: TypeAlias = Mapping[str, Sequence[str]]  # by kind


def names() -> Names:
    """Every name that can be explained, by kind."""
    return {kind: tuple(entries) for kind, entries in _all().items()}


def entries(kind: str) -> tuple[Entry, ...]:
    """Every entry of a kind."""
    return tuple(filled(entry, NOWHERE) for entry in _all()[kind].values())


def find(name: str) -> list[Entry]:
    """The entries of that name: as a list prints it, with or without ``poststarthook/``, in any case; often one."""
    bare = _bare_name(name)
    keys = {bare.lower(), bare.lower().replace("-", "_"), f"{HOOK}{bare}".lower()}
    found = [entry for entries in _all().values() for key, entry in entries.items() if key.lower() in keys]
    if not found and bare.lower().removeprefix(finding_info.POLLS) in _all()["error"]:
        found = [_all()["error"][bare.lower().removeprefix(finding_info.POLLS)]]
    told = {entry.name for entry in found if entry.kind == "finding"}
    found = [entry for entry in found if entry.kind != "pattern" or entry.name not in told]  # the finding says it all
    if not found and (about := check_info(bare)).known:
        found = [_check(about)]
    return [filled(entry, NOWHERE) for entry in found]


def _bare_name(text: str) -> str:
    """Without the sign before a name and the verdict behind it, as a list of checks has them.

    Word by word: whatever is asked comes through here, a whole log as well.
    """
    first, *rest = text.split(maxsplit=1) or [""]
    verdict = rest[0].strip() if rest else ""
    named = first if verdict == "ok" or _FAILED.match(verdict) else text.strip()
    return (named[3:] if named.startswith(("[+]", "[-]")) else named).strip().strip("\"'`")


def nearest(name: str, count: int = 3) -> list[str]:
    """Names that look like ``name``, the likeliest first."""
    short = {key.removeprefix(HOOK).lower(): key for entries in _all().values() for key in entries}
    last = {key.rpartition("/")[2]: full for key, full in short.items()}
    low = name.strip().lower()[:200]
    close = difflib.get_close_matches(low.removeprefix(HOOK), {**last, **short}, n=count * 2, cutoff=0.5)
    within = [key for key in short if len(low) > 3 and low in key]
    picked = dict.fromkeys(({**last, **short})[key] for key in (*within[:count], *close))
    return [key.removeprefix(HOOK) for key in picked][:count]


def recognise(text: str) -> list[Entry]:
    """What a pasted line, message or error text is: the whole message first, its parts after; empty: nothing is known.

    What belongs to answers of polls is left out where the message says that something ended, or is tried again.
    """
    text = plain_blanks(text)
    records = list(_records(text))
    site = explain_message.site_of(text, records)
    ended, wholes = _messages(text, records, site)
    told = {entry.name for entry in wholes}
    if ended:  # what a line says as a whole stands there already, without the hope that it passes
        records = [record for record in records if not _is_wait(record, site)]
    parts = [entry for entry in _parts(text, records, whole=bool(wholes)) if entry.name not in told]
    if ended:  # a part that heals, or is normal elsewhere, did neither here
        parts = [entry for entry in parts if entry.kind not in _HEALING]
    found = [*wholes, *(filled(entry, site) for entry in parts)] or _of_class(text, site)
    if not found and _OF_UNIT.match(text):
        return recognise(f"systemd[1]: {text}")
    if not found and len(records) == 1 and records[0].payload is Payload.PLAIN and not records[0].level:
        found = _as_logged(text, site)
    return found or explain_message.entries_of_code(text, site)


def _is_wait(record: LogRecord, site: Site) -> bool:
    """Whether a line is known as a whole and nothing ends with it."""
    message = explain_message.message_of(record)
    return not explain_message.is_end(message, site) and explain_message.entry_of(message, site) is not None


def _as_logged(text: str, site: Site) -> list[Entry]:
    """The named lines of a start that a bare message is: as k3s and RKE2 print it, with its stamp and its level."""
    line = f'time="2026-01-01T00:00:00Z" level=info msg={json.dumps(text.strip(), ensure_ascii=False)}'
    found = _parts(text, _records(line), whole=True)
    return [filled(entry, site) for entry in found if entry.kind in ("milestone", "noise")]


def _messages(text: str, records: Sequence[LogRecord], site: Site) -> tuple[bool, list[Entry]]:
    """The entries of whole messages, of each line, else of the text as it stands; and whether one is an end.

    The end comes first, whatever was said before it.
    """
    lines = [explain_message.message_of(record) for record in records if not _is_poll(record)][:_MOST_LINES]
    whole = explain_message.Message(explain_message.bare(text))
    told = lines if any(explain_message.entry_of(one, site) for one in lines) else []
    if not told and (lines or not records):
        told = [whole]
    ends = [one for one in told if explain_message.is_end(one, site)]
    others = [one for one in told if one not in ends]
    found = [explain_message.entry_of(message, site, beside_end=bool(ends)) for message in (*ends, *others)]
    by_name: dict[str, Entry] = {}
    for entry in found:
        if entry is not None:
            by_name.setdefault(entry.name, entry)
    return bool(ends), list(by_name.values())


def _is_poll(record: LogRecord) -> bool:
    return any(isinstance(event, PollLine | HealthBlock) for event in detect([record]))


def _of_class(text: str, site: Site) -> list[Entry]:
    entry = explain_message.entry_of_class(text, site)
    return [entry] if entry is not None else explain_message.entries_of_cut(text, site)


def _parts(text: str, records: Sequence[LogRecord], *, whole: bool) -> list[Entry]:
    """What single parts of the text are, the most telling first; of a known message only what is no answer to a poll
    and no noise."""
    found: list[tuple[str, str]] = []
    for event in detect(records):
        match event:
            case PollLine(error=error):
                found += _of_poll(error)
            case HealthBlock(failing=failing):
                found += [("check", name) for name in failing]
            case Mark(record=record, id=name, kind="noise") if _is_of_another(name, record):
                pass
            case Mark(id=name, kind=marked):
                found.append((_MARK_KINDS.get(marked, marked), name))
            case WitnessLine(rules=rules):
                found += [("witness", rule.id) for rule in rules]
            case PollUnchanged() | Placed():
                pass
            case _:
                assert_never(event)
    found += [("pattern", rule.id) for rule, _ in catalogue.causes_in(text)]
    found = [(kind, name) for kind, name in found if kind != "pattern" or causes.agrees(name, text)]
    if not whole and not any(kind in ("error", "noise") for kind, _ in found) and _may_answer_a_poll(text, records):
        found += _of_poll(poll_errors.classify(text))
    found += [("check", name) for name in _named_checks(text)]
    order = ("pattern", "noise", "error", "check", "milestone", "witness")
    known: dict[tuple[str, str], Entry] = {}
    for kind, name in sorted(dict.fromkeys(found), key=lambda item: order.index(item[0])):
        entry = _all()[kind].get(name) or (_check(check_info(name)) if kind == "check" else None)
        if entry is not None:
            known[kind, name] = entry
    return list(known.values())


def _may_answer_a_poll(text: str, records: Sequence[LogRecord]) -> bool:
    """Whether it may be the bare error of a poll of /readyz: no message with words or a request of its own."""
    if any(record.level or record.payload is not Payload.PLAIN for record in records) or _OTHER_REQUEST.search(text):
        return False
    first, *_ = explain_message.bare(text).lower().split(maxsplit=1) or [""]
    return first in _first_words()


@cache
def _first_words() -> frozenset[str]:
    """With which answers to polls begin, whole or without the request and the connection before them."""
    answers = [text for raw in load("errors.toml")["error"] for text in _texts([raw], *_ANSWERS)]
    return _TRANSPORT | {text.lower().split(maxsplit=1)[0] for text in answers if text.strip()}


def _is_of_another(noise: str, record: LogRecord) -> bool:
    """Whether a line is of a kind that is normal on this machine's own sockets, and speaks of another machine."""
    rule = catalogue.info(noise)
    return rule is not None and rule.own and asks_another(record)


def _records(text: str) -> Sequence[LogRecord]:
    from analyzer.records import read_log_records

    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode("utf-8", "replace")))
    return log_records.records


def _of_poll(error: PollError) -> list[tuple[str, str]]:
    if error.error == "other":
        return []
    failing = error.body.failing if error.body is not None else ()
    return [("error", error.error), *(("check", name) for name in failing)]


def _named_checks(text: str) -> list[str]:
    low = text.lower()
    return [c.name for c in known_checks() if "/" in c.name and c.short.lower() in low and len(c.short) > 8]


# --- the entries ----------------------------------------------------------------------------------------------------


@cache
def _all() -> Mapping[str, Mapping[str, Entry]]:
    by_kind: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for raw in (raw for name in catalogue.FILES for raw in load(name)["mark"]):
        kind = _MARK_KINDS.get(raw["kind"], raw["kind"])
        by_kind.setdefault(kind, {}).setdefault(raw["id"], []).append(raw)
    milestones = {name: _milestone(name, raws) for name, raws in by_kind["milestone"].items()}
    return {
        "check": {check.name: _check(check) for check in known_checks()},
        "error": {name: _error(name) for name in poll_errors.severities()},
        "milestone": {**milestones, "first_poll": _first_poll()},
        "phase": {phase.id: _phase(phase) for phase in terms("phase").values()},
        "finding": {about.id: _finding(about) for about in finding_info.known_findings()},
        "pattern": {name: _pattern(name, raws) for name, raws in by_kind["pattern"].items()},
        "noise": {name: _noise(name, raws) for name, raws in by_kind["noise"].items()},
        "witness": {rule.id: _witness(rule) for rule in witness_rules.rules()},
    }


def _measured(kind: str, name: str) -> str:
    return str(load("measured.toml")[kind].get(name, ""))


def _check(check: CheckInfo) -> Entry:
    raws = [raw for raw in load("checks.toml")["check"] if check.name in raw.get("names", ())]
    advice = check.advice or _fallback_advice(check)
    needs = [n.removeprefix(HOOK) for n in check.needs]
    needs += [f"{n.removeprefix(HOOK)} (on a datastore that this start initialises)" for n in check.needs_when_fresh]
    waiting = [c.short for c in known_checks() if check.name in c.needs + c.needs_when_fresh]
    told = [f.id for f in finding_info.known_findings() if check.name in f.checks]
    return Entry(
        "check",
        check.name,
        term("check", check.kind).meaning,
        headed(
            ("What it waits for", sentence(wording.capital(check.waits_for))),
            ("More", _texts(raws[:1], "description", "note")),
            ("Limit", _limit(check)),
            ("What makes it slow", check.slow_causes),
            ("Must pass before it", needs),
            ("Waits for it", waiting),
            ("How long it takes", _measured("check", check.name)),
            ("Releases", _releases(check.name)),
            ("Lines that prove it", _proofs(check.name)),
            ("What to do", sentence(advice)),
            ("Findings about it", told),
        ),
    )


def _texts(raws: Iterable[Mapping[str, Any]], *keys: str) -> list[str]:
    """All that entries of the data say under some keys, a text or a list of texts each."""
    values = [raw.get(key, ()) for raw in raws for key in keys]
    return [text for value in values for text in ([value] if isinstance(value, str) else value)]


def _first(raws: Iterable[Mapping[str, Any]], key: str) -> str:
    return next((str(raw[key]) for raw in raws if raw.get(key)), "")


def _fallback_advice(check: CheckInfo) -> str:
    needs = ", ".join(name.removeprefix(HOOK) for name in check.needs)
    return wording.first_that_holds(
        (check.needs, f"Look at what it needs first: {needs}"),
        (check.kind == "trivial", "Give the start more CPU: nothing else can hold it up"),
        (True, "Nothing: it is not what makes a start late"),
    )


def _limit(check: CheckInfo) -> str:
    if check.limit_s is None:
        return "None that is known: it waits as long as it takes, or until k3s gives up after 15 minutes."
    if check.kind == "probe":
        return f"{check.limit_s:g} s for each answer; then it fails, and is asked anew."
    hard = "it holds in the middle of a try, too" if check.hard_limit else "looked at only between tries"
    return f"{check.limit_s:g} s ({hard}). When it is over, the process ends."


def _releases(name: str) -> str:
    minors = [m for m in known_minors() if name in check_list(m)]
    if not minors:
        return ""
    every = known_minors()
    first, last, oldest, newest = (f"{m[0]}.{m[1]}" for m in (minors[0], minors[-1], every[0], every[-1]))
    if len(minors) == len(every):
        return f"Every one known here: Kubernetes {oldest} to {newest}."
    gaps = sum(minors[0] <= m <= minors[-1] for m in every) - len(minors)
    span = first if len(minors) == 1 else f"{first} to {last}"
    return f"Kubernetes {span}{' (not all)' if gaps else ''}; known here are {oldest} to {newest}."


def _proofs(name: str) -> list[str]:
    rules = {name, "*", f"{HOOK}*" if name.startswith(HOOK) else name}
    return [
        f"{rule.id}: {_proves(rule, 'it')} ({spelled(rule.match.pattern)})"
        for rule in witness_rules.rules()
        if rule.check in rules
    ]


def _proves(rule: WitnessRule, check: str) -> str:
    return term("proof", rule.relation).meaning.format(check=check)


def _witness(rule: WitnessRule) -> Entry:
    what = {"ready": "/readyz", f"{HOOK}*": "every hook", "*": "every check"}.get(rule.check, rule.check)
    since, until = ".".join(map(str, rule.since)), ".".join(map(str, rule.until))
    return Entry(
        "witness",
        rule.id,
        sentence(f"A line that {_proves(rule, what)}"),
        headed(
            ("The line", f"{rule.source_file}: {spelled(rule.match.pattern)}"),
            ("Why", rule.proof),
            ("Later by", f"{rule.offset_s:g} s" if rule.offset_s else ""),
            ("Releases", f"Kubernetes {since} to {until}."),
        ),
    )


def _error(name: str) -> Entry:
    raws = [raw for raw in load("errors.toml")["error"] if raw["id"] == name]
    texts = [text for text in dict.fromkeys(_texts(raws, "whole", "contains", "ends")) if "\\" not in text]
    title, advice = poll_errors.advice(name)
    severity = poll_errors.severities()[name]
    status = ", ".join(str(raw["http_status"]) for raw in raws if "http_status" in raw)
    default = "Nothing, while the start goes on." if severity == "transient" else "See the text of the answer."
    told = finding_info.POLLS + name
    return Entry(
        "error",
        name,
        sentence(title or "A poll of /readyz was answered that way: " + term("error", name).meaning),
        headed(
            ("What it means", sentence(wording.capital(term("error", name).meaning))),
            ("More", _texts(raws, "description", "note")),
            ("How bad", term("answer", severity).meaning),
            ("HTTP status", status),
            ("Texts", texts or _OTHER_TEXTS.get(name, "Any that no other class knows.")),
            ("How long it lasts", _measured("error", name)),
            ("What to do", sentence(advice or default)),
            ("Findings about it", told if finding_info.info(told) is not None else ""),
        ),
    )


_OTHER_TEXTS = {"readyz_failing": "A list of checks, [+]name ok and [-]name failed: reason withheld."}


def _milestone(name: str, raws: Sequence[Mapping[str, Any]]) -> Entry:
    phase = next((p.id for p in terms("phase").values() if p.ends_with == name), "")
    end = raws[0]["kind"] == "end"
    shown = name in terms("milestone")
    return Entry(
        "milestone",
        name,
        "A line about the end of the process." if end else _MILESTONE if shown else _INNER,
        headed(
            (
                "What it says",
                _texts(raws, "description") or sentence(_first(raws, "title")) or "The line below was printed.",
            ),
            ("Mind", _texts(raws, "note")),
            ("The line", _beginnings(raws)),
            ("Example", _texts(raws, "example")[:3]),
            ("When", _measured("milestone", name)),
            ("Ends the phase", f"{phase}: {wording.phase_meaning(phase)}" if phase else ""),
            ("Releases", _since(raws)),
        ),
    )


_MILESTONE = "A milestone: a named line of a start."
_INNER = "A named line of a start; the analysis uses it, reports do not list it."


def _first_poll() -> Entry:
    meaning = terms("milestone")["first_poll"].meaning
    line = "Polling for API server readiness: GET /readyz failed: …"
    return Entry("milestone", "first_poll", _MILESTONE, headed(("What it says", meaning), ("The line", line)))


def _beginnings(raws: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [f"{text.strip()} …" for text in _texts(raws, "head")] + [f"… {text} …" for text in _texts(raws, "any")]
    shown = shown or [f"Any of level {' or '.join(raw['levels'])}." for raw in raws if "levels" in raw]
    shown = shown or [spelled(pattern) for pattern in _texts(raws, "match")]
    return list(dict.fromkeys(shown))


def _since(raws: Sequence[Mapping[str, Any]]) -> str:
    ends = (("from", _first(raws, "since")), ("until", _first(raws, "until")))
    return sentence(" ".join(f"{word} {release}" for word, release in ends if release))


def _phase(about: Term) -> Entry:
    return Entry(
        "phase",
        about.id,
        "A part of the time a start takes, named for what it waits for.",
        headed(
            ("What it covers", sentence(wording.capital(wording.phase_meaning(about.id)))),
            ("Ends with", about.ends_with or "a moment that no line tells: a window"),
            ("How long it takes", _measured("phase", about.id)),
        ),
    )


def _finding(about: finding_info.FindingInfo) -> Entry:
    causes = [f.id for f in finding_info.known_findings() if about.id in f.explains]
    patterns = [r for r in catalogue.rules() if r.kind == "problem" and finding_info.reported_as(r.id) == about.id]
    raws = [r for name in catalogue.FILES for r in load(name)["mark"] if r["id"] in {p.id for p in patterns}]
    # Several patterns of one finding say the same about it.
    meaning = dict.fromkeys(text for text in (about.meaning, *_texts(raws, "description", "note")) if text)
    told = term("problem", next((p.problem_class for p in patterns), "")).meaning
    advice = (
        about.advice
        or _first(raws, "advice")
        or next((a for a in (check_info(name).advice for name in about.checks) if a), "")
        or ("Nothing needs to be done." if about.severity == "info" else _LOOK)
    )
    brings = sorted(name for name in about.explains if not name.startswith(finding_info.POLLS))
    brings += [f"{finding_info.POLLS}…"] if len(brings) < len(about.explains) else []
    return Entry(
        "finding",
        about.id,
        sentence(about.title),
        headed(
            ("What it says", meaning or f"A line of the log says so. {told}".strip()),
            ("How bad", term("finding", about.severity).meaning),
            ("Usual causes", about.causes),
            ("Lines behind it", _beginnings(raws) if raws else ""),
            ("Example", _texts(raws, "example")[:3]),
            ("Shows in checks", [c.removeprefix(HOOK) for c in about.checks]),
            ("What to do", sentence(advice)),
            ("May only follow from", causes),
            ("Brings with it", brings),
        ),
    )  # fmt: skip


_LOOK = "See the findings it comes with: one of them is its cause."


def _pattern(name: str, raws: Sequence[Mapping[str, Any]]) -> Entry:
    told = finding_info.reported_as(name)
    title = _first(raws, "title") or name.replace("_", " ").capitalize()
    return Entry(
        "pattern",
        name,
        sentence(title),
        headed(
            ("What it says", _texts(raws, "description", "note")),
            ("How bad", term("problem", raws[0].get("class", "")).meaning),
            ("The line", _beginnings(raws)),
            ("Example", _texts(raws, "example")[:3]),
            ("What to do", sentence(_first(raws, "advice")) or _what_to_do(told)),
            ("Reported as", told),
        ),
    )


def _what_to_do(finding: str) -> tuple[str, ...]:
    about = finding_info.info(finding)
    told = () if about is None else _finding(about).sections
    return next((section.lines for section in told if section.title == "What to do"), (_LOOK,))


def _noise(name: str, raws: Sequence[Mapping[str, Any]]) -> Entry:
    title = sentence(_first(raws, "title"))
    return Entry(
        "noise",
        name,
        "Looks bad, but is normal" + (f": {title}" if title else "."),
        headed(
            ("What it says", _texts(raws, "description", "note")),
            ("The line", _beginnings(raws)),
            ("Example", _texts(raws, "example")[:3]),
            ("What to do", _when_normal(raws)),
        ),
    )


def _when_normal(raws: Sequence[Mapping[str, Any]]) -> str:
    """Until when such lines ask for nothing."""
    limits = [f"in the first {raw['usual_s']} s" for raw in raws if raw.get("usual_s")][:1]
    limits += ["on this machine's own sockets" for raw in raws if raw.get("own")][:1]
    if not limits:
        return "Nothing: healthy starts print it, too."
    return f"Nothing {' and '.join(limits)}: healthy starts print it, too. Else the error in it says what is wrong."
