"""Stand-ins for what identifies somebody: addresses, hosts, names, domains, paths, digests.

One :class:`Pseudonyms` serves one report. It first looks at every text (``learn``), then replaces (``apply``): so that
a stand-in is never something that the texts hold themselves, and a name that one text reveals by its place
(``node="alpha"``) is found in all others wherever it stands.

Kept as they are: loopback and the addresses that k3s and RKE2 use by default, names of their own components, of
Kubernetes' own objects and packages, words of the vocabulary.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import chain, count

from analyzer.events.check_info import known_checks
from analyzer.events.vocabulary import load
from analyzer.reports import known_words as known

_IPV4 = re.compile(r"(?<![\d.v])(\d{1,3}(?:\.\d{1,3}){3})(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\d{1,3}\.){3}\d{1,3})?)(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2})(?![\w:-])")
_CERT_NAME = re.compile(r"(\bcn-)([0-9A-Fa-f]{0,4}(?:_[0-9A-Fa-f]{0,4}){2,7})(?![\w])")  # how k3s notes an IPv6 name
_DIGEST = re.compile(
    r"(?<![0-9A-Za-z])((?:[0-9A-Fa-f]{2}:){9,}[0-9A-Fa-f]{2}|[0-9a-fA-F]{32,128}|K10[0-9a-f]{8}…"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![0-9A-Za-z])"
)
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_DOMAIN = re.compile(
    r"(?<![\w.@/+-])((?:[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9])?\.){1,8}(?:xn--[\w-]{1,59}|[A-Za-z]{2,24}))(?![\w-]|\.\w|\(\))"
    r"(?P<path>(?::\d+)?/[\w./:@%~+-]*)?"
)
_URL = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]{1,20}://)(?P<user>[^\s/@\"'\\]{1,128}@)?(?P<host>\[[^\]\s]{2,60}\]|[\w.-]{1,253}|(?=/))"
                  r"(?P<port>:\d{1,5})?(?P<path>/[^\s\"'\\<>)\],]*)?")  # fmt: skip
_PATH = re.compile(r"(?<![\w.:/])(?<!:/)(/(?:[\w.@%+~=-]+/?)+)")
_EC2 = re.compile(r"(?<![\w-])(ip-\d{1,3}(?:-\d{1,3}){3})(?![\w-])")

_WORD = r"[A-Za-z0-9](?:[\w.-]{0,251}[A-Za-z0-9])?"
_Q = r"\\*+[\"']"
# Where a host or node is named …
_HOST_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w-])(?:_?hostname|node[-_]?name|node|nodes|host|hostname[-_]override|server[-_]?name)(?:=|{_Q}:\s?){_Q}?({_WORD})",
        rf"(?<![\w-])--?(?:node-name|hostname-override)(?:=|\s+){_Q}?({_WORD})",
        rf"(?<![\w-])nodes?\s{_Q}({_WORD}){_Q}",
        rf"(?<![\w-])(?:hostname|node)\s({_WORD})(?=\s(?:is|was|has|does|not|joined|registered|already)\b|[:,]?\s*$)",
        rf"\blookup\s({_WORD})(?=\son\b|:|\s*$)",
        rf"\bon node:? ({_WORD})\s*$",
        rf"\bbackend connection request \[({_WORD})\]",
        rf"(?<![\w.-])({_WORD})-[0-9a-f]{{8}}\s(?:at|on)\shttps?://",
        rf"\bSuccessfully assigned \S{{1,253}} to ({_WORD})",
        rf"\bsystem:node:({_WORD})",
        rf"(?<![\w.-])({_WORD})-[0-9a-f]{{8}}=https?://",
        r"/node/password'? for node ([\w.-]+)",
        rf"\bNode password rejected.{{0,200}}?for node ({_WORD})",
        rf"\bWaiting for cloud-controller-manager.{{0,80}}?node ({_WORD})",
        rf"\bSuccessfully registered node{_Q}?\s+{_Q}?(?:node=)?{_Q}?({_WORD})",
        rf"(?:--name=|--initial-cluster=|,|local-member-name{_Q}:\s?{_Q}|remote-peer-name{_Q}:\s?{_Q})({_WORD})-[0-9a-f]{{8}}(?![0-9a-f])",
        r"^(?:\w{3}\s+\d+|\d{4}-\d\d-\d\dT)[\s\S]{0,2}[\d:.+Z-]{8,24}\s(\S+)\s(?:k3s|rke2|systemd|kernel)[\w.-]*\[",
    )
)
# … and any other thing that a person named.
_NAME_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w-])(?:pod|pods|podname|container|containername|namespace|ns|cluster|clustername|cluster[-_]name|user|username"
        rf"|secret|secretname|configmap|serviceaccount|service|deployment|daemonset|statefulset|job|ingress|claim|pvc|pv|volume"
        rf"|addon|chart|release|image|key|object|owner)(?:=|{_Q}:\s?){_Q}?((?:{_WORD}/){{0,5}}{_WORD})",
        rf"(?<![\w.-])(?:[a-z]{{3,40}}s)(?:\.[a-z][a-z0-9.-]{{2,80}})?\s{_Q}((?:{_WORD}/){{0,5}}{_WORD}){_Q}"
        rf"(?=\s(?:not found|already exists|is forbidden|is invalid))",
        rf"\b(?:pod|namespace|container|user|cluster|secret|role|service|volume|configmap)s?\s{_Q}((?:{_WORD}/){{0,5}}{_WORD}){_Q}",
        rf"(?<![\w-])--?(?:cluster-name|system-default-registry|node-label|with-node-id|cluster-domain|etcd-s3-folder)(?:=|\s+){_Q}?({_WORD})",
        rf"\bfor user ({_WORD})",
        rf"\berror syncing {_Q}((?:{_WORD}/){{0,2}}{_WORD}){_Q}",
        rf"(?<![\w-])(?:database|dbname|db|bucket|[\w-]{{1,40}}-bucket|schema)(?:=|\s{_Q}|\s+(?=\S{{1,100}}\s--))({_WORD})",
        rf"\b(?:Created|Deleted|Killing|Pulling) (?:pod|job|image):? {_Q}?((?:{_WORD}/){{0,5}}{_WORD})",
        rf"\bHelmChart ((?:{_WORD}/)?{_WORD})",
        rf"\bin namespace ({_WORD})",
        rf"\b({_WORD})-etcd-snapshot",
        rf"\bSuccessfully assigned ((?:{_WORD}/)?{_WORD}) to ",
        rf"\bsudo(?:\[\d+\])?:\s+({_WORD}) : ",
        r"/(?:instance-type|region|zone|hostname)=([\w.-]{1,63})",
        rf"(?<![\w.-])({_WORD}):\*\*\*@",  # the user of a datastore whose password is masked
        rf"\bsystem:serviceaccount:({_WORD}):",
        rf"\bsystem:serviceaccount:[\w.-]{{1,63}}:({_WORD})",
        rf"\b(?:CN|O|OU)=({_WORD})",
        r"/namespaces/([\w.-]{1,253})",
        r"/namespaces/[\w.-]{1,253}/[a-z]{2,40}/([\w.-]{1,253})",
        r"/api/v1/(?:nodes|persistentvolumes)/([\w.-]{1,253})",
    )
)
_LABELS = re.compile(r"--node-(?:labels?|taints?)(?:=|\s+)[\"']?([^\s\"']{1,1000})")
_REGISTRY = re.compile(r"/registry/(?P<rest>[\w./:@%-]+)")
_SANS = re.compile(r"certificate is valid for ([\w.:*,\s-]{1,4000}?), not ([\w.:*-]+)|--tls-san[= ]\"?([\w.:*,-]+)")


class Pseudonyms:
    """Consistent stand-ins: the same text always gives the same answer, different names different ones."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._other: dict[str, str] = {}
        self._seen: set[str] = set()  # every word of the texts that looks like a stand-in of ours
        self._made: set[str] = set()  # every stand-in that was given away
        self._counts: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 1))
        self._addresses = _documentation_v4()
        self._finder: re.Pattern[str] | None = None

    def learn(self, texts: Iterable[str], hosts: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        """Look at everything that will be replaced; ``hosts`` and ``names`` are known to be such."""
        for host in hosts:
            self._add_host(host)
        for name in names:
            self._add_name(name)
        for text in texts:
            self._seen.update(_STAND_IN.findall(text))
            for host in _hosts_in(text):
                self._add_host(host)
            for name in _names_in(text):
                self._add_name(name)
        self._finder = None

    def apply(self, text: str) -> str:
        """``text`` with everything replaced that the rules above know, and every learnt name."""
        rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_DIGEST, lambda m: self._stand_in("hash", m[1].lower())),
            (_MAC, lambda m: self._mac(m[1])),
            (_EMAIL, self._email),
            (_URL, self._url),
            (_EC2, lambda m: self._host(m[1])),
            (self._learnt(), lambda m: self._replacement(m[0])),
            (_DOMAIN, self._domain_and_path),
            (_CERT_NAME, lambda m: m[1] + self._ipv6(m[2].replace("_", ":")).replace(":", "_")),
            (_IPV6, lambda m: self._ipv6(m[1])),
            (_IPV4, lambda m: self._ipv4(m[1])),
            (_PATH, lambda m: self._path(m[1])),
        )
        for looks_like, replacement in rules:
            text = looks_like.sub(replacement, text)
        return text

    def host(self, name: str) -> str:
        """The stand-in of a host whose name this is."""
        return self._ipv4(name) if _IPV4.fullmatch(name) else self._host(name)

    def file(self, path: str) -> str:
        """The stand-in of an input's path; what its suffixes say about its kind stays."""
        if path == "-":
            return path
        tail = "".join(
            re.findall(r"\.(?:export|json|short|iso|precise|gz|xz|bz2|zst|log|txt|journal|tar|tgz|zip)(?![\w])", path)
        )
        return self._stand_in("log", path) + tail

    # --- what is learnt ---------------------------------------------------------------------------------------------

    def _add_host(self, name: str) -> None:
        if ":" in name or not _identifies(name):
            return
        for part in (name, name.partition(".")[0]):
            if _worth(part):
                self._hosts.setdefault(part.lower(), "")

    def _add_name(self, name: str) -> None:
        if _identifies(name) and name.lower() not in self._hosts and not known.is_component(name):
            self._names.setdefault(name.lower(), "")

    def _learnt(self) -> re.Pattern[str]:
        if self._finder is None:
            every = sorted(chain(self._hosts, self._names), key=len, reverse=True)
            choice = "|".join(re.escape(name) for name in every) or r"(?!)"
            self._finder = re.compile(rf"(?<![A-Za-z0-9])(?:{choice})(?![A-Za-z0-9])", re.IGNORECASE)
        return self._finder

    def _replacement(self, found: str) -> str:
        return self._host(found) if found.lower() in self._hosts else self._stand_in("name", found)

    # --- stand-ins --------------------------------------------------------------------------------------------------

    def _stand_in(self, kind: str, original: str, shape: Callable[[int], str] | None = None) -> str:
        key = f"{kind} {original.lower()}"
        if key not in self._other:
            self._other[key] = self._next(kind, shape or (lambda number: f"{kind}-{number}"))
        return self._other[key]

    def _email(self, found: re.Match[str]) -> str:
        if _is_known_domain(found[2]):
            return found[0]
        return f"{self._stand_in('name', found[1])}@{self._domain(found[2])}"

    def _next(self, kind: str, shape: Callable[[int], str]) -> str:
        """The next stand-in of a kind that the texts do not hold themselves."""
        made = next(made for made in map(shape, self._counts[kind]) if made not in self._seen)
        self._made.add(made)
        return made

    def _host(self, name: str) -> str:
        low = name.lower()
        if _STAND_IN.fullmatch(low) and low in self._made:
            return name
        if "." in low and low not in self._hosts:
            return self._domain(name)
        short, dot, rest = low.partition(".")
        made = self._stand_in("host", short)
        return f"{made}.{self._domain(rest)}" if dot and "." in rest else made

    def _domain(self, name: str) -> str:
        if _is_known_domain(name):
            return name
        stem, _, suffix = name.rpartition(".")
        if suffix.lower() in known.FILE_SUFFIXES | known.UNIT_SUFFIXES:
            return f"{self._stand_in('path', stem)}.{suffix}"
        return self._stand_in("domain", name) + ".example"

    def _domain_and_path(self, found: re.Match[str]) -> str:
        if _is_known_domain(found[1]):
            return found[0]
        return self._host(found[1]) + self._path(found["path"] or "")

    def _url(self, found: re.Match[str]) -> str:
        host = found["host"]
        if host.startswith("["):
            host = f"[{self._ipv6(host[1:-1])}]"
        elif _IPV4.fullmatch(host):
            host = self._ipv4(host)
        elif "." in host or (host and _worth(host) and host.lower() not in known.URL_HOSTS):
            host = self._host(host)
        user = "***@" if found["user"] else ""
        return found["scheme"] + user + host + (found["port"] or "") + self._path(found["path"] or "")

    def _path(self, path: str) -> str:
        """A path whose unknown pieces are replaced."""
        bare = path.rstrip(":.,;")
        path, after = bare, path[len(bare) :]
        head, mark, query = path.partition("?")
        pieces: list[str] = []
        before, group = "", False
        for piece in head.split("/"):
            if before in _HOMES and piece and not _is_stand_in(piece):
                pieces.append(self._stand_in("name", piece))
            else:
                pieces.append(piece if before in _FIXED else self._piece(piece))
            # The group of an API is a domain; when it is a known one, so is the kind after its version.
            known_kind = _API_VERSION.fullmatch(before) is not None and group
            group = (
                group if _API_VERSION.fullmatch(piece) else ("." in piece and _is_known_domain(piece)) or piece == "api"
            )
            if (before == "apis" and group) or known_kind:
                pieces[-1] = piece
            before = piece.lower()
        return "/".join(pieces) + mark + (self.apply_query(query) if mark else "") + after

    def apply_query(self, query: str) -> str:
        """The query of a URL: numbers and true or false stay, other values go unless the vocabulary knows them."""
        parts = []
        for part in query.split("&"):
            key, mark, value = part.partition("=")
            plain = re.fullmatch(r"[\d.smh]*|true|false", value) is not None or not _worth(value)
            parts.append(f"{key}{mark}{value if plain else self._stand_in('name', value)}")
        return "&".join(parts)

    def _piece(self, piece: str) -> str:
        if known.is_path_piece(piece) or not _worth(piece) or piece.lower() in _OWN or piece.lower() in self._made:
            return piece
        if re.fullmatch(r":\d+", piece) or _IPV4.fullmatch(piece) or _is_stand_in(piece):
            return piece
        stem, dot, suffix = piece.rpartition(".")
        if dot and suffix.lower() in known.FILE_SUFFIXES and stem:
            return (
                piece if known.is_path_piece(stem) or not _worth(stem) else f"{self._stand_in('path', stem)}.{suffix}"
            )
        return self._stand_in("path", piece)

    def _foreign(self, text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The address that ``text`` is, where it may identify somebody."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        return None if text in self._made or any(address in net for net in known.KEPT_NETWORKS) else address

    def _ipv4(self, text: str) -> str:
        own = self._foreign(text) is None
        return text if own else self._stand_in("ipv4", text, lambda _: next(self._addresses))

    def _ipv6(self, text: str) -> str:
        address = self._foreign(text)
        return text if address is None else self._stand_in("ipv6", str(address), lambda n: f"2001:db8::{n:x}")

    def _mac(self, text: str) -> str:
        if text in self._made:
            return text
        return self._stand_in("mac", text.replace("-", ":"), lambda n: f"02:00:00:00:{n >> 8 & 255:02x}:{n & 255:02x}")


def _hosts_in(text: str) -> Iterator[str]:
    for place in _HOST_PLACES:
        yield from (found[1] for found in place.finditer(text))
    for found in _SANS.finditer(text):
        named = ",".join(group for group in found.groups() if group)
        yield from (san.strip().removeprefix("*.") for san in named.split(","))


def _names_in(text: str) -> Iterator[str]:
    for place in _NAME_PLACES:
        for found in place.finditer(text):
            yield from found[1].split("/")
    for found in _LABELS.finditer(text):
        yield from re.findall(r"=([\w.-]+)", found[1])
    for found in _REGISTRY.finditer(text):
        yield from found["rest"].split("/")[1:]


_STAND_IN = re.compile(
    r"(?:host|name|domain|path|hash|log)-\d+|192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|198\.1[89]\.\d+\.\d+|2001:db8::[0-9a-f]+"
)


def _is_stand_in(text: str) -> bool:
    return _STAND_IN.fullmatch(text.removesuffix(".example")) is not None


def _documentation_v4() -> Iterator[str]:
    """The addresses kept for documentation, then those kept for benchmarks, then those of no use yet."""
    nets = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/4")
    return (str(address) for net in nets for address in ipaddress.IPv4Network(net).hosts())


def _worth(name: str) -> bool:
    """Whether a name identifies anything: words of the vocabulary, numbers and versions do not."""
    low = name.lower().strip(".")
    return (
        len(low) > 1
        and low not in _vocabulary()
        and re.fullmatch(r"[vV]?[\d.:_-]+(?:[-+](?:k3s|rke2r)\d+)?|0x[0-9a-f]+", low) is None
    )


def _identifies(name: str) -> bool:
    """Whether a name, not an address, stands for something of somebody's own."""
    return _worth(name) and not _IPV4.fullmatch(name) and not ("." in name and _is_known_domain(name))


def _is_known_domain(name: str) -> bool:
    low = name.lower().rstrip(".")
    last = low.rpartition(".")[2]
    if last in known.CODE_SUFFIXES:
        return True
    if last in known.FILE_SUFFIXES | known.UNIT_SUFFIXES:
        stem = low.removesuffix(f".{last}")
        return known.is_path_piece(stem) or known.is_component(stem) or not _worth(stem)
    if low.endswith((".svc", ".svc.cluster.local", ".cluster.local")):
        return all(not _worth(p) or known.is_component(p) for p in re.split(r"\.svc|\.cluster", low)[0].split("."))
    if any(low == own or low.endswith("." + own) for own in known.DOMAINS):
        return True
    return last not in known.TOP_LEVEL


_HOMES = frozenset(("home", "users", "mnt", "media"))  # what comes next is somebody's name, however short
_FIXED = frozenset(("tls", "cred", "temporary-certs"))  # k3s names all files in these
_API_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")
_OWN = frozenset(("", "..", "."))


@cache
def _vocabulary() -> frozenset[str]:
    """Words of the package's own data and of everyday logs: they name nobody."""
    words = set(known.WORDS) | {check.short for check in known_checks()}
    for file in ("checks.toml", "errors.toml", "findings.toml"):
        words.update(w.lower() for w in re.findall(r"[A-Za-z][A-Za-z0-9]+", str(load(file))))
    return frozenset(words)
