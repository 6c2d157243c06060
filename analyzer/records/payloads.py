"""The program's own format inside a message: logrus, klog, etcd's zap, systemd, Go panics.

``digest`` fills the payload fields of a draft from ``draft.message``. Nothing here fails: what is not recognised stays
``PLAIN`` with its text, and a header whose tail was cut still gives level, stamp and the text that is left.
"""

from __future__ import annotations

import json
import re

from analyzer.records.draft import Draft, Inner, Outer
from analyzer.records.goquote import end_of_quoted, quoted, unquote
from analyzer.records.log_record import Payload
from analyzer.records.printable import strip_terminal
from analyzer.timebase import SECOND, is_day, pack_partial, parse_iso

_LOGRUS = re.compile(r'(?:time="([^"]*)(?:"|$) ?)?(?:level=(\w+)(?: |$))?(?:msg=)?')
_GLUED = re.compile(r'time="[^"]{10,40}" level=\w+ ')
# Somebody cut a stamp, a host or both out of the head of a line: what is left of them says nothing.
_DAMAGED = re.compile(
    r"(?:\S{1,40} ){0,4}(?:(?:k3s|rke2)\[\d{1,7}\]: )?(?=level=(?:fatal|error|warning|info|debug|panic) msg=\")"
)
# The k3d command quotes the last line of a container; whoever reads that log has no other copy of it.
_K3D_QUOTE = re.compile(r"warning: encountered fatal log from node (\S+) \(retrying \d+/\d+\): ")
_BARE_VALUE = re.compile(r"[^\s\"]*")
_PAIR = re.compile(r'(?<![\w.\-/])([\w.\-/]++)=("(?:[^"\\]++|\\.)*+"?|[^\s"]*)', re.DOTALL)
_TTY = re.compile(r"(TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[([^\]]{1,40})\] ?(.*)", re.DOTALL)
_TTY_TAIL = re.compile(r'(?<! ) {2,}+((?:[\w.\-/]++=(?:"(?:[^"\\]++|\\.)*+"|[^\s"]*+) ?)++)$')
_KLOG = re.compile(
    r"([IWEF]?)(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6})\s+(?:(\d+) )?([^\s:\]]+):(\d+)\] ?(.*)", re.DOTALL
)
# As Rancher sets its logrus: local time without a zone.
_RANCHER = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) (\[(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|PANIC)\].*)", re.DOTALL
)
_OLD_ETCDS_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} ")  # in a carrier; alone it is the line's stamp
_OLD_ETCD = re.compile(r"([CEWNID]) \| ([\w./-]{1,40}): (.*)", re.DOTALL)  # before 3.5; the carrier has taken its stamp
_ZAP_PART = re.compile(r'"(level|ts|caller|msg|took|time spent|error)":"((?:[^"\\]++|\\.)*+)')
_PANIC = re.compile(
    r"panic: |panic\(|fatal error: |goroutine \d+ [\[(]|created by |SIG[A-Z]{3,5}: |\[signal |exit status \d|"
    r"\t/\S+\.go:\d+|main\.main\(|runtime[./]|[\w.\-]{1,80}(?:/[\w.\-]{1,80}){1,9}\([*\w]|[a-z]{1,30}\.[\w.]{1,80}\(0x"
)
_UNIT_COLON = re.compile(r"([\w@:.\\-]+\.(?:service|scope|socket|mount|slice|target|timer)): ")
_UNIT_JOB = re.compile(
    r"(?:Starting|Started|Stopping|Stopped|Failed to start|Finished|Reloading|Reloaded) "
    r"([\w@:.\\-]+\.(?:service|scope|socket|mount|slice|target|timer))(?: - |\.|$)"
)
# Up to systemd 231 or so: the unit stands in the sentence, without a colon.
_UNIT_OLD = re.compile(
    r"(?:Unit |start request repeated too quickly for |)"
    r"([\w@:.\\-]+\.(?:service|scope|socket|mount|slice|target|timer))"
    r"(?:$| (?:entered failed state|failed\.|holdoff time over|has no holdoff time|start|stop|watchdog timeout))"
)
_EXITED = re.compile(r"[Mm]ain process exited, code=(\w+), status=(\d+)")
_COUNTER = re.compile(r"restart counter is at (\d+)")
_LEVELS = {
    "TRAC": "trace", "DEBU": "debug", "INFO": "info", "WARN": "warning", "ERRO": "error", "FATA": "fatal",
    "PANI": "panic", "I": "info", "W": "warning", "E": "error", "F": "fatal", "warn": "warning", "dpanic": "panic",
    "C": "fatal", "N": "info", "D": "debug",
}  # fmt: skip
_LOGRUS_BEGINS, _KLOG_BEGINS, _TTY_BEGINS = frozenset("tlm"), frozenset("IWEF0123456789"), frozenset("TDP")
# What systemd forks for ExecStart= has the program's name in brackets until it executes it.
_EXECUTOR = re.compile(r"\([\w.@-]{1,64}\)$")
_EXECUTORS_WORDS = re.compile(
    r"^[\w.@\\:-]{1,200}\.service: (?:Failed at step \w{1,30} spawning |(?:Failed|Unable) to (?:locate|execute) )"
)
_SYSTEMD_IDENTS = frozenset({"systemd", "(systemd)"})
# Where no carrier names a program (``-o cat``, exports of the text alone), PID 1's words about a unit tell that they
# are its own: no program writes so of itself.
_PID_1S_WORDS = re.compile(
    r"(?:k3s|rke2)[\w.@-]{0,60}\.service: [A-Zm]|"
    r"(?:Starting|Started|Stopping|Stopped|Failed to start) "
    r"(?:(?:k3s|rke2)[\w.@-]{0,60}\.service(?: - |\.)|Lightweight Kubernetes|Rancher Kubernetes Engine)"
)


def _pairs(text: str) -> dict[str, str]:
    return {key: strip_terminal(unquote(value)) if value[:1] == '"' else value for key, value in _PAIR.findall(text)}


def _logrus(draft: Draft, text: str) -> bool:
    match = _LOGRUS.match(text)
    assert match is not None
    stamp, level = match.group(1), match.group(2)
    if stamp is None and level is None and not text.startswith('msg="'):
        return False
    rest = text[match.end() :]
    has_msg = match.group(0).endswith("msg=")
    draft.payload = Payload.LOGRUS
    draft.level = _LEVELS.get(level, level) if level else ""
    if stamp is not None:
        draft.put_inner(parse_iso(stamp))
    if not has_msg:  # cut or ellipsised before msg=, or a line without a message
        draft.message = rest
        draft.truncated = draft.truncated or "=" not in rest
        return True
    if rest[:1] == '"':
        draft.message, end, closed = quoted(rest, 0)
        if "\\" in rest:  # an escape may stand for a control character
            draft.message = strip_terminal(draft.message)
        if not closed:
            draft.truncated = True
            draft.message = draft.message.removesuffix(">")  # the pager's mark in the last column
            return True
    else:
        bare = _BARE_VALUE.match(rest)
        assert bare is not None
        draft.message, end = bare.group(), bare.end()
    tail = rest[end:]
    if tail and not tail.isspace():
        draft.fields = _pairs(tail)
    return True


def _tty(draft: Draft, text: str) -> bool:
    match = _TTY.match(text)
    if match is None:
        return False
    level, stamp, rest = match.groups()
    if stamp.isdecimal():
        draft.inner = Inner.ELAPSED
        draft.inner_value, draft.inner_precision = int(stamp[:9]) * SECOND, SECOND
    else:
        instant = parse_iso(stamp)
        if instant is None:
            return False
        draft.put_inner(instant)
    draft.payload = Payload.LOGRUS
    draft.level = _LEVELS[level]
    tail = _TTY_TAIL.search(rest)
    if tail is not None:
        draft.fields = _pairs(tail.group(1))
        rest = rest[: tail.start()]
    draft.message = rest.rstrip()
    return True


def _k3d_quote(draft: Draft) -> None:
    quote = _K3D_QUOTE.match(draft.message)
    inside = _GLUED.search(draft.message, quote.end()) if quote is not None else None
    if quote is not None and inside is not None and _logrus(draft, draft.message[inside.start() :]):
        draft.host, draft.ident = quote[1], "k3s"


def _klog(draft: Draft, text: str) -> bool:
    match = _KLOG.match(text)
    if match is None:
        return False
    letter, month, day, hour, minute, second, micro, pid, file, _line, rest = match.groups()
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    if not (is_day(int(month), int(day)) and seconds <= 86400):
        return False
    draft.payload = Payload.KLOG
    draft.level = _LEVELS.get(letter, "")
    draft.file = file
    draft.message = rest
    if rest[:1] == '"':
        end, closed = end_of_quoted(rest, 0)
        if not closed:
            draft.truncated = True
        elif end < len(rest):
            draft.fields = _pairs(rest[end:])
    draft.inner = Inner.PARTIAL
    draft.inner_value = pack_partial(int(month), int(day), seconds * SECOND + int(micro))
    draft.inner_precision = 1
    draft.klog_pid = int(pid) if pid and len(pid) < 12 else None
    return True


def _rancher(draft: Draft, text: str) -> bool:
    """Rancher's own line: the level stays part of the words, which are known so."""
    match = _RANCHER.match(text)
    instant = parse_iso(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}") if match is not None else None
    if match is None or instant is None:
        return False
    draft.level = {"WARN": "warning"}.get(match[6], match[6].lower())
    draft.message = match[5]
    if draft.outer is Outer.NONE:  # no carrier says better
        draft.stamped(instant)
    return True


def _zap(draft: Draft, text: str) -> bool:
    cut = False
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        cut, data = True, dict(_ZAP_PART.findall(text))
        if "msg" in data or "ts" in data:
            data["msg"] = unquote(data.get("msg", text))
    if not isinstance(data, dict) or "level" not in data or "msg" not in data:
        return False
    draft.truncated = draft.truncated or cut
    draft.payload = Payload.ZAP
    level = str(data.pop("level")).lower()
    draft.level = _LEVELS.get(level, level)
    draft.file = str(data.pop("caller", "")).rpartition(":")[0]
    draft.message = strip_terminal(str(data.pop("msg")))
    draft.etcd = draft.put_inner(parse_iso(str(data.pop("ts", ""))))
    if data:
        draft.fields = {
            k: strip_terminal(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)) for k, v in data.items()
        }
    return True


def _old_etcd(draft: Draft, text: str) -> bool:
    match = _OLD_ETCD.match(text)
    if match is not None:
        draft.payload = Payload.ZAP
        draft.level, draft.file, draft.message = _LEVELS[match[1]], match[2], match[3]
    return match is not None


def _systemd(draft: Draft, text: str) -> None:
    draft.payload = Payload.SYSTEMD
    match = _UNIT_COLON.match(text) or _UNIT_JOB.match(text) or _UNIT_OLD.match(text)
    if match is not None and (draft.unit is None or draft.unit == "init.scope"):
        draft.unit = match.group(1)
    elif draft.unit == "init.scope":
        draft.unit = None
    if draft.journal:
        return
    exited = _EXITED.search(text)
    counter = _COUNTER.search(text)
    if exited is not None:
        draft.journal = {"EXIT_CODE": exited.group(1), "EXIT_STATUS": exited.group(2)}
    elif counter is not None:
        draft.journal = {"N_RESTARTS": counter.group(1)}


def _is_systemds(draft: Draft, text: str) -> bool:
    """Whether PID 1 wrote it, or what it forked and has not yet become the program."""
    if draft.ident in _SYSTEMD_IDENTS:
        return draft.pid is None or draft.pid == 1 or bool(draft.journal)
    return _EXECUTOR.match(draft.ident or "") is not None and _EXECUTORS_WORDS.search(text) is not None


def recognise_pid_1(draft: Draft) -> None:
    """Take a line that nobody is named for as systemd's where its words are; the unit stays as untold as k3s' own."""
    nobodys = draft.payload is Payload.PLAIN and draft.ident is None and draft.unit is None
    if nobodys and _PID_1S_WORDS.match(draft.message) is not None:
        _systemd(draft, draft.message)
        draft.unit = None


def digest(draft: Draft) -> None:
    """Recognise the payload of ``draft.message`` and fill payload, level, file, fields, message and inner stamp."""
    text = draft.message
    if _is_systemds(draft, text):
        _systemd(draft, text)
    elif draft.ident == "kernel":
        draft.payload = Payload.KERNEL
    elif _headed(draft, text):
        pass
    elif _PANIC.match(text[:1000]) is not None:
        draft.payload = Payload.PANIC
    elif "time=" in text:  # two records glued together: the second one is whole
        glued = _GLUED.search(text)
        if glued is not None and glued.start() and _logrus(draft, text[glued.start() :]):
            draft.truncated = True
    elif (damaged := _DAMAGED.match(text)) is not None:
        _logrus(draft, text[damaged.end() :])


def _headed(draft: Draft, text: str) -> bool:
    """Whether the text begins with a header that a program writes; what it says goes into the draft."""
    first = text[:1]
    if text[1:4] == " | " and _old_etcd(draft, text):
        return True
    if text[28:31] == " | " and _OLD_ETCDS_TIME.match(text) and _old_etcd(draft, text[27:]):
        return True
    if first in _LOGRUS_BEGINS:
        return text.startswith(("time=", "level=", 'msg="')) and _logrus(draft, text)
    if first == "{":
        return text.startswith('{"') and _zap(draft, text)
    if first in _KLOG_BEGINS:
        if (text[4:5] == "/" and _rancher(draft, text)) or _klog(draft, text):
            return True
    elif first not in _TTY_BEGINS:
        return False
    if text.startswith("Trace["):
        draft.payload = Payload.TRACE
        return True
    if not _tty(draft, text):
        return False
    if first in _KLOG_BEGINS:
        _k3d_quote(draft)
    return True


def is_stamped_payload(text: str) -> bool:
    """Whether ``text`` begins like a line that k3s, klog or etcd writes itself (used to peel carriers safely)."""
    first = text[:1]
    if text[1:4] == " | ":
        return _OLD_ETCD.match(text) is not None
    if first in "tl":
        return text.startswith(('time="', "level="))
    if first == "{":
        return text.startswith('{"level":"')
    if text[4:5] == "/" and text[7:8] == "/":
        return _RANCHER.match(text) is not None
    if first in "IWEF" and first:
        return _KLOG.match(text) is not None or _TTY.match(text) is not None
    return first in "TDP" and first != "" and (_TTY.match(text) is not None or text.startswith("Trace["))
