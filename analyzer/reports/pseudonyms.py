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
from functools import partial
from itertools import count

from analyzer.reports import known_words as known
from analyzer.reports.learnt_names import LearntNames

_IPV4 = re.compile(r"(?<![\d.v])(\d{1,3}(?:\.\d{1,3}){3})(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\d{1,3}\.){3}\d{1,3})?)(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2})(?![\w:-])")
_CERT_NAME = re.compile(r"(\bcn-)([0-9A-Fa-f]{0,4}(?:_[0-9A-Fa-f]{0,4}){2,7})(?![\w])")  # how k3s notes an IPv6 name
_DIGEST = re.compile(  # not the ids of systemd's own messages, which are the same everywhere
    r"(?<![0-9A-Za-z])(?<!MESSAGE_ID=)(?<!MESSAGE_ID\":\")(?<!MESSAGE_ID\": \")(?<!MESSAGE_ID\" : \")"
    r"((?:[0-9A-Fa-f]{2}:){9,}[0-9A-Fa-f]{2}|[0-9a-fA-F]{32,128}|K10[0-9a-f]{8}…"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![0-9A-Za-z])"
)
_PASSING = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?|\d{4}-\d\d-\d\d|\[\d+\]|\b\d{16}\b")  # stamps, ids of processes
_BOOT = re.compile(r"(?:\bs=|;b=|Boot )([0-9a-f]{32})\b")  # in a cursor, or before the lines of a boot
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_DOMAIN = re.compile(
    r"(?<![\w.@/+-])((?:[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9])?\.){1,8}(?:xn--[\w-]{1,59}|[A-Za-z]{2,24}))(?![\w-]|\.\w|\(\))"
    r"(?P<path>(?::\d+)?/[\w./:@%~+-]*)?"
)
_URL = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]{1,20}://)(?P<user>[^\s/@\"'\\]{1,128}@)?(?P<host>\[[^\]\s]{2,60}\]|[\w.-]{1,253}|(?=/))"
                  r"(?P<port>:\d{1,5})?(?P<path>/[^\s\"'\\<>)\],]*)?")  # fmt: skip
_PATH = re.compile(r"(?<![\w.:/])(?<!:/)(/(?:[\w.@%+~=-]+/?)+)")
# A path of Windows, whose separators may be escaped; what stands below "Users" may hold blanks.
_WINDOWS = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]:(?:(?:\\{1,8}|/)(?:Users|Documents and Settings)(?:\\{1,8}|/)"
    r"[^\\/\"':;,<>|\n]{1,64}(?=[\\/]))?(?:(?:\\{1,8}|/)[\w.@%+~$-]{1,100}){1,40}", re.IGNORECASE,
)  # fmt: skip
_SEPARATOR = re.compile(r"(\\+|/)")
_EC2 = re.compile(r"(?<![\w-])(ip-\d{1,3}(?:-\d{1,3}){3})(?![\w-])")

# Things of a cloud, and the number of an account there: in the name of a resource (an ARN), or said to be one.
_CLOUD = re.compile(r"(?<![\w-])(?:i|ami|vpc|subnet|sg|vol|eni|eipalloc|snap|rtb|igw|nat|lt)-[0-9a-f]{8,17}(?![\w-])")
_OF_CLOUD = re.compile(r"-[0-9a-f]{8}|arn:aws|ccount")  # one of which they all hold
_ACCOUNT = re.compile(
    r"(?P<before>(?<!\w)arn:aws[a-z-]{0,10}:[a-z0-9-]{0,40}:[a-z0-9-]{0,40}:"
    r"|\b(?:[Aa]ws-?)?[Aa]ccount(?:[-_ ]?[Ii][Dd])?[\s:=\"'\\]{1,8})"
    r"(?P<number>\d{12}(?!\w)|(?=:))"
)

_PORTS = "|".join(map(str, known.PORTS))
_WORD = r"[A-Za-z0-9](?:[\w.-]{0,251}[A-Za-z0-9])?"
_Q = r"\\*+[\"']"
_SHORT = r"(?=[\d-]{0,62}[A-Za-z])[A-Za-z0-9][\w-]{1,62}"  # a host without a domain
_RESOURCES = (
    "role|user|group|policy|instance|instance-profile|cluster|nodegroup|function|key|secret|db|assumed-role|volume"
)
_INTERFACE = r"[A-Za-z][\w.@-]{1,14}"
_NUMBERED = r"(?=[a-z]{0,14}[\d.@-])" + _INTERFACE  # … which no word of a sentence is
# Where a host or node is named, each with words in lower case without one of which the expression finds nothing …
_HOST_PLACES = tuple(
    (words, re.compile(pattern, re.IGNORECASE))
    for words, pattern in (
        (
            ("node", "host", "server"),
            rf"(?<![\w-])(?:_?hostname|node[-_]?name|node|nodes|host|hostname[-_]override|server[-_]?name)(?:=|{_Q}:\s?){_Q}?({_WORD})",
        ),
        (("node-name", "hostname-override"), rf"(?<![\w-])--?(?:node-name|hostname-override)(?:=|\s+){_Q}?({_WORD})"),
        (("node",), rf"(?<![\w-])nodes?\s{_Q}({_WORD}){_Q}"),
        (
            ("hostname", "node"),
            rf"(?<![\w-])(?:hostname|node)\s({_WORD})(?=\s(?:is|was|has|does|not|joined|registered|already)\b|[:,]?\s*$)",
        ),
        (("lookup",), rf"\blookup\s({_WORD})(?=\son\b|:|\s*$)"),
        (
            (":",),
            rf"(?<![\w.:/-])({_SHORT}):(?:{_PORTS})(?![\w.:])",
        ),
        ((":",), rf"(?<![\w.:/-])({_SHORT}):\d{{2,5}}/[A-Za-z]"),
        (("@",), r"(?<![\w.+/-])[\w.+-]{1,64}(?::\*\*\*)?@(?!sha\d{3}:)([A-Za-z][\w-]{0,62})(?![\w.(-])"),
        (("@",), rf"[\"'][\w.+-]{{0,64}}{_Q}@{_Q}({_WORD}){_Q}"),  # 'user'@'host'
        (("on node",), rf"\bon node:? ({_WORD})\s*$"),
        (("backend connection request [",), rf"\bbackend connection request \[({_WORD})\]"),
        (("http",), rf"(?<![\w.-])({_WORD})-[0-9a-f]{{8}}\s(?:at|on)\shttps?://"),
        (("successfully assigned ",), rf"\bSuccessfully assigned \S{{1,253}} to ({_WORD})"),
        (("system:node:",), rf"\bsystem:node:({_WORD})"),
        (("=http",), rf"(?<![\w.-])({_WORD})-[0-9a-f]{{8}}=https?://"),
        (("/node/password",), r"/node/password'? for node ([\w.-]+)"),
        (("node password rejected",), rf"\bNode password rejected.{{0,200}}?for node ({_WORD})"),
        (("node password ",), rf"\bNode password (?:rejected|validation failed) for (?:node )?{_Q}?({_WORD})"),
        (("waiting for cloud-controller-manager",), rf"\bWaiting for cloud-controller-manager.{{0,80}}?node ({_WORD})"),
        (("successfully registered node",), rf"\bSuccessfully registered node{_Q}?\s+{_Q}?(?:node=)?{_Q}?({_WORD})"),
        (
            (),
            rf"(?:--name=|--initial-cluster=|,|local-member-name{_Q}:\s?{_Q}|remote-peer-name{_Q}:\s?{_Q})({_WORD})-[0-9a-f]{{8}}(?![0-9a-f])",
        ),
        (
            ("k3s", "rke2", "systemd", "kernel"),
            r"^(?:\w{3}\s+\d+|\d{4}-\d\d-\d\dT)[\s\S]{0,2}[\d:.+Z-]{8,24}\s(\S+)\s(?:k3s|rke2|systemd|kernel)[\w.-]*\[",
        ),
    )
)
# … and any other thing that a person named.
_NAME_PLACES = tuple(
    (words, re.compile(pattern, re.IGNORECASE))
    for words, pattern in (
        (
            (
                "pod",
                "container",
                "namespace",
                "ns",
                "cluster",
                "user",
                "secret",
                "configmap",
                "service",
                "deployment",
                "statefulset",
                "job",
                "ingress",
                "claim",
                "pv",
                "volume",
                "addon",
                "chart",
                "release",
                "image",
                "key",
                "object",
                "owner",
            ),
            rf"(?<![\w-])(?:pod|pods|podname|container|containername|namespace|ns|cluster|clustername|cluster[-_]name|user|username"
            rf"|secret|secretname|configmap|serviceaccount|service|deployment|daemonset|statefulset|job|ingress|claim|pvc|pv|volume"
            rf"|addon|chart|release|image|key|object|owner)(?:=|{_Q}:\s?){_Q}?((?:{_WORD}/){{0,5}}{_WORD})",
        ),
        (
            (),
            rf"(?<![\w.-])(?:[a-z]{{3,40}}s)(?:\.[a-z][a-z0-9.-]{{2,80}})?\s{_Q}((?:{_WORD}/){{0,5}}{_WORD}){_Q}"
            rf"(?=\s(?:not found|already exists|is forbidden|is invalid))",
        ),
        (
            ("pod", "namespace", "container", "user", "cluster", "secret", "role", "service", "volume", "configmap"),
            rf"\b(?:pod|namespace|container|user|cluster|secret|role|service|volume|configmap)s?\s{_Q}((?:{_WORD}/){{0,5}}{_WORD}){_Q}",
        ),
        (
            (
                "cluster-name",
                "system-default-registry",
                "node-label",
                "with-node-id",
                "cluster-domain",
                "etcd-s3-folder",
            ),
            rf"(?<![\w-])--?(?:cluster-name|system-default-registry|node-label|with-node-id|cluster-domain|etcd-s3-folder)(?:=|\s+){_Q}?({_WORD})",
        ),
        (
            ("user",),
            rf"(?<![\w-])user(?:name)?:\s{{0,3}}(?:{_Q}[\"']?)?({_WORD})(?=\s?[,}}\]]|\\*[\"']|\s(?:Password|Secret|Server)|\s*$)",
        ),
        (("@",), rf"[\"']({_WORD}){_Q}@{_Q}"),
        (
            ("arn:aws",),
            rf"(?<!\w)arn:aws[a-z-]{{0,10}}:[a-z0-9-]{{0,40}}:[a-z0-9-]{{0,40}}:\d{{0,12}}:(?:(?:{_RESOURCES})[:/])?({_WORD}(?:/{_WORD}){{0,5}})",
        ),
        (("cluster",), rf"\bcluster (?:name|named|called)[ :=]{{1,2}}{_Q}?({_WORD})"),
        (("for user ",), rf"\bfor user ({_WORD})"),
        (
            ("@",),
            r"(?<![\w.+/-])([A-Za-z][\w.+-]{0,63})@(?!sha\d{3}:)(?:[A-Za-z][\w-]{0,62}(?![\w.(-])|(?:\d{1,3}\.){3}\d)",
        ),
        (
            ("bucket", "namespace"),
            rf"(?<![\w-])(?:[\w-]{{0,40}}bucket|namespace){_Q}?:\s?{_Q}?({_WORD})(?={_Q}|\s*$|[,}}\]]|\s[A-Za-z]{{1,40}}:|\\+n)",
        ),
        (("bucket",), rf"--[\w-]{{0,40}}bucket(?:=|\s+){_Q}?({_WORD})"),
        (
            ("bucket", "namespace"),
            rf"\b(?:bucket|namespace) {_Q}?({_WORD}){_Q}?"
            r"(?=\s(?:exists|does not|doesn't|not found|is not|was not|cannot|is being)\b)",
        ),
        (("bucket ",), rf"\bbucket {_Q}({_WORD}){_Q}"),
        (("3306", "5432", "5433", "6432", "26257"), rf":(?:3306|5432|5433|6432|26257)\)?/({_WORD})"),  # a database
        (("***@",), rf"\*\*\*@[\w.:()\[\],-]{{0,300}}/({_WORD})"),
        (("namespace:",), rf"\bNamespace:{_WORD},?\sName:({_WORD})"),
        (("s3",), rf"\bs3[\w.-]{{0,200}}\.(?:amazonaws\.com|[\w-]{{2,63}})(?::\d+)?/({_WORD})"),
        (("kubectl ",), rf"\bkubectl .{{0,200}}?\s(?:-n|--namespace)[= ]({_WORD})"),
        (("--namespace",), rf"(?<![\w-])--namespace[= ]{_Q}?({_WORD})"),
        (("iface",), rf"\biface(?:=|\s+|{_Q}?:\s?){_Q}?({_INTERFACE})"),
        (("interface",), rf"\b(?:network )?interface(?: with name)?[ =:]\s?{_Q}({_INTERFACE}){_Q}"),
        (
            ("interface", "dev", "link"),
            rf"\b(?:interface(?: with name)?|dev|device|link) ({_NUMBERED})(?=[\s,;:\"'\\)]|$)",
        ),
        (("fe80:",), rf"\bfe80:[0-9a-f:]{{1,40}}%({_INTERFACE})"),
        (("enx",), r"\b(enx[0-9a-f]{12})\b"),
        (
            ("users", "documents and settings"),
            rf"\b[A-Z]:(?:\\+|/)(?:Users|Documents and Settings)(?:\\+|/)"
            rf"([^\\/\"':;,<>|\s]{{1,64}}(?: [^\\/\"':;,<>|\s]{{1,64}}){{0,3}}(?=[\\/])|{_WORD})",
        ),
        (("error syncing ",), rf"\berror syncing {_Q}((?:{_WORD}/){{0,2}}{_WORD}){_Q}"),
        (
            ("database", "db", "bucket", "schema"),
            rf"(?<![\w-])(?:database|dbname|db|bucket|[\w-]{{1,40}}-bucket|schema)(?:=|\s{_Q}|\s+(?=\S{{1,100}}\s--))({_WORD})",
        ),
        (
            ("pod", "job", "image"),
            rf"\b(?:Created|Deleted|Killing|Pulling) (?:pod|job|image):? {_Q}?((?:{_WORD}/){{0,5}}{_WORD})",
        ),
        (("helmchart ",), rf"\bHelmChart ((?:{_WORD}/)?{_WORD})"),
        (("in namespace ",), rf"\bin namespace ({_WORD})"),
        (("-etcd-snapshot",), rf"\b({_WORD})-etcd-snapshot"),
        (("successfully assigned ",), rf"\bSuccessfully assigned ((?:{_WORD}/)?{_WORD}) to "),
        (("sudo",), rf"\bsudo(?:\[\d+\])?:\s+({_WORD}) : "),
        (("instance-type", "region", "zone", "hostname"), r"/(?:instance-type|region|zone|hostname)=([\w.-]{1,63})"),
        ((":***@",), rf"(?<![\w.-])({_WORD}):\*\*\*@"),  # the user of a datastore whose password is masked
        (("system:serviceaccount:",), rf"\bsystem:serviceaccount:({_WORD}):"),
        (("system:serviceaccount:",), rf"\bsystem:serviceaccount:[\w.-]{{1,63}}:({_WORD})"),
        (("cn=", "o=", "ou="), rf"\b(?:CN|O|OU)=({_WORD})"),
        (("/namespaces/",), r"/namespaces/([\w.-]{1,253})"),
        (("/namespaces/",), r"/namespaces/[\w.-]{1,253}/[a-z]{2,40}/([\w.-]{1,253})"),
        (("/api/v1/",), r"/api/v1/(?:nodes|persistentvolumes)/([\w.-]{1,253})"),
    )
)
_LABELS = re.compile(r"--node-(?:labels?|taints?)(?:=|\s+)[\"']?([^\s\"']{1,1000})")
_REGISTRY = re.compile(r"/registry/(?P<rest>[\w./:@%-]+)")
_CLUSTER = re.compile(r"\bcluster ((?=[A-Za-z]{1,40}[-\d])[A-Za-z0-9-]{2,63})(?![\w.-])")  # or "cluster self-signed"
_SANS = re.compile(r"certificate is valid for ([\w.:*,\s-]{1,4000}?), not ([\w.:*-]+)|--tls-san[= ]\"?([\w.:*,-]+)")


class Pseudonyms:
    """Consistent stand-ins: the same text always gives the same answer, different names different ones."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._other: dict[str, str] = {}
        self._ids: dict[str, str] = {}  # boots and invocations, whose stand-ins are ids as well
        self._seen: set[str] = set()  # every word of the texts that looks like a stand-in of ours
        self._looked_at: set[int] = set()
        self._made: set[str] = set()  # every stand-in that was given away
        self._counts: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 1))
        self._addresses = _documentation_v4()
        self._learnt = LearntNames()

    def learn(
        self,
        texts: Iterable[str],
        hosts: Iterable[str] = (),
        names: Iterable[str] = (),
        ids: Iterable[str] = (),
        prepare: Callable[[str], str] = str,
    ) -> None:
        """Look at everything that will be replaced; ``hosts``, ``names`` and machine ``ids`` are known to be such.

        ``prepare`` is called for those texts only that say something new.
        """
        for id in ids:
            self._ids.setdefault(id.lower(), "")
        for host in hosts:
            self._add_host(host)
        for name in names:
            self._add_name(name)
        for text in texts:
            key = hash(_PASSING.sub("", text))  # a long log says the same over and over
            if key in self._looked_at:
                continue
            self._looked_at.add(key)
            text = prepare(text)
            self._seen.update(_STAND_IN.findall(text))
            for id in _BOOT.findall(text):
                self._ids.setdefault(id, "")
            for host in _hosts_in(text):
                if host.lower() not in known.sought():
                    self._add_host(host)
            for name in _names_in(text):
                if name.lower() not in known.sought():
                    self._add_name(name)

    def apply(self, text: str) -> str:
        """``text`` with everything replaced that the rules above know, and every learnt name."""
        before: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_DIGEST, lambda m: self._digest(m[1].lower())),
            (_MAC, lambda m: self._mac(m[1])),
            (_EMAIL, self._email),
            (_URL, self._url),
            (_WINDOWS, lambda m: self._windows(m[0])),
            (_EC2, lambda m: self._host(m[1])),
        )
        after: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
            (_DOMAIN, self._domain_and_path),
            (_CERT_NAME, lambda m: m[1] + self._ipv6(m[2].replace("_", ":")).replace(":", "_")),
            (_IPV6, lambda m: self._ipv6(m[1])),
            (_IPV4, lambda m: self._ipv4(m[1])),
            (_PATH, lambda m: self._path(m[1])),
        )
        for looks_like, replacement in before:
            text = looks_like.sub(replacement, text)
        if _OF_CLOUD.search(text) is not None:
            text = _CLOUD.sub(lambda m: self._stand_in("name", m[0]), text)
            text = _ACCOUNT.sub(lambda m: m["before"] + (m["number"] and self._stand_in("name", m["number"])), text)
        text = self._learnt.replace(text, self._replacement)
        for looks_like, replacement in after:
            text = looks_like.sub(replacement, text)
        return text

    def host(self, name: str) -> str:
        """The stand-in of a host whose name this is; the name itself where it is everybody's (``localhost``)."""
        if not _worth(name):
            return name
        return self._ipv4(name) if _IPV4.fullmatch(name) else self._host(name)

    def name(self, text: str) -> str:
        """The stand-in of what a person called something, whatever it looks like."""
        return self._stand_in("name", text)

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
                self._learnt.add(part.lower())

    def _add_name(self, name: str) -> None:
        if _identifies(name) and name.lower() not in self._hosts and not known.is_component(name):
            self._names.setdefault(name.lower(), "")
            self._learnt.add(name.lower())

    def _replacement(self, found: str) -> str:
        return self._host(found) if found.lower() in self._hosts else self._stand_in("name", found)

    def keep(self, text: str) -> None:
        """Let a digest stand that is no one's own: the commit of a release."""
        self._made.add(text.lower())

    def machine_id(self, text: str) -> str:
        """The stand-in of the id of a boot or an invocation."""
        low = text.lower()
        if not self._ids.get(low):
            self._ids[low] = made = f"{next(self._counts['id']):032x}"
            self._made.add(made)
        return self._ids[low]

    # --- stand-ins --------------------------------------------------------------------------------------------------

    def _stand_in(self, kind: str, original: str, shape: Callable[[int], str] | None = None) -> str:
        key = f"{kind} {original.lower()}"
        if key not in self._other:
            self._other[key] = self._next(kind, shape or (lambda number: f"{kind}-{number}"))
        return self._other[key]

    def _digest(self, text: str) -> str:
        if text in self._made:
            return text
        bare = text.replace("-", "")
        return self.machine_id(bare) if bare in self._ids else self._stand_in("hash", text)

    def _windows(self, path: str) -> str:
        drive, *pieces = _SEPARATOR.split(path)
        before = ""
        for at in range(1, len(pieces), 2):
            piece = pieces[at]
            own = before in _HOMES or before == "documents and settings"
            if piece.lower() != "documents and settings":
                pieces[at] = self._stand_in("name", piece) if own and not _is_stand_in(piece) else self._piece(piece)
            before = piece.lower()
        return drive + "".join(pieces)

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
    low = text.lower()
    for words, place in _HOST_PLACES:
        if not words or any(word in low for word in words):
            yield from (found[1] for found in place.finditer(text))
    for found in _SANS.finditer(text):
        named = ",".join(group for group in found.groups() if group)
        yield from (san.strip().removeprefix("*.") for san in named.split(","))


def _names_in(text: str) -> Iterator[str]:
    low = text.lower()
    for words, place in _NAME_PLACES:
        if not words or any(word in low for word in words):
            for found in place.finditer(text):
                yield from found[1].split("/")
    if "cluster " in low:
        yield from (found[1] for found in _CLUSTER.finditer(text) if not _is_said(found[1].lower()))
    for found in _LABELS.finditer(text):
        yield from re.findall(r"=([\w.-]+)", found[1])
    for found in _REGISTRY.finditer(text):
        yield from found["rest"].split("/")[1:]


def _is_said(joined: str) -> bool:
    """Whether every longer part of some joined words is one that sentences have."""
    known_ones = (known.vocabulary(), known.sought(), known.JOINED)
    return all(len(word) < 4 or any(word in words for words in known_ones) for word in re.findall("[a-z]+", joined))


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
        and low not in known.vocabulary()
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
        return (
            known.is_path_piece(low)
            or known.is_path_piece(stem)
            or all(known.is_component(p) or not _worth(p) for p in stem.split("."))
        )
    if low.endswith((".svc", ".svc.cluster.local", ".cluster.local")):
        return all(not _worth(p) or known.is_component(p) for p in re.split(r"\.svc|\.cluster", low)[0].split("."))
    if any(low == own or low.endswith("." + own) for own in known.DOMAINS):
        return True
    return last not in known.TOP_LEVEL


_HOMES = frozenset(("home", "users", "mnt", "media"))  # what comes next is somebody's name, however short
_FIXED = frozenset(("tls", "cred", "temporary-certs"))  # k3s names all files in these
_API_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")
_OWN = frozenset(("", "..", "."))
