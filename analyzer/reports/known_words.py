"""What nobody named: the words, components, domains, paths and networks that every k3s or RKE2 has.

Used to keep a report useful whose names are replaced; what is not known here is taken for somebody's own.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache

from analyzer.events.check_info import known_checks
from analyzer.events.vocabulary import files, load

_DATA = load("known_words.toml")

KEPT_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/32", "127.0.0.0/8", "255.255.255.255/32", "169.254.169.254/32", "224.0.0.0/4",
        "10.42.0.0/16", "10.43.0.0/16",  # pods and services by default
        "::/127", "2001:cafe:42::/48", "2001:cafe:43::/48", "fd00:42::/56", "fd00:43::/112", "fe80::/128", "ff00::/8",
    )
)  # fmt: skip

DOMAINS = tuple(_DATA["domains"].split())
TOP_LEVEL = frozenset(_DATA["top_level"].split())
CODE_SUFFIXES = frozenset(_DATA["code_suffixes"].split())
FILE_SUFFIXES = frozenset(_DATA["file_suffixes"].split())
UNIT_SUFFIXES = frozenset(_DATA["unit_suffixes"].split())
PORTS = tuple(_DATA["ports"])
JOINED = frozenset(_DATA["joined"].split())
MACHINES = frozenset(_DATA["machines"].split())
URL_HOSTS = frozenset(("localhost", "kine", "etcd"))
WORDS = frozenset(_DATA["words"].split())
_PATH_PIECES = frozenset(_DATA["path_pieces"].split())

_COMPONENT = re.compile(
    r"(?:etcd-(?:server|peer|client|tmp|old)(?:-ca)?|kube-(?:apiserver(?:-[\w-]+)?|scheduler|controller-manager|proxy|root-ca\.crt|flannel|system|public|node-lease|dns)|etcd|coredns"
    r"|metrics-server|traefik(?:-crd)?|local-path-(?:provisioner|config|storage)|svclb-traefik|helm-(?:install|delete)-[\w-]*"
    r"|cloud-controller-manager|rke2-[\w-]+|k3s(?:-[\w-]+)?|system:[\w:.-]+|extension-apiserver-authentication|k3s-serving"
    r"|servicelb|helm-controller|flannel|canal|calico-[\w-]+|cilium[\w-]*|cattle-[\w-]+|rancher[\w-]*|longhorn[\w-]*"
    r"|apiserver-[a-z0-9]{10,}|kubernetes|default|chart-content-[\w-]+)"
    r"(?:-[a-f0-9]{6,10})?(?:-[a-z0-9]{5})?(?:\.addon)?"
)
_VERSIONED = re.compile(r"v?\d[\w.+-]*|[0-9a-f]{8,128}|\.?[a-z]{1,4}|%[0-9A-Fa-f]{2}")


def is_component(name: str) -> bool:
    """Whether a name is one that k3s, RKE2 or Kubernetes gave to a thing of their own."""
    return _COMPONENT.fullmatch(name.lower()) is not None


def is_path_piece(piece: str) -> bool:
    """Whether a piece of a path or URL is the same on every machine."""
    low = piece.lower().lstrip(".")
    if low in WORDS or low in _PATH_PIECES or is_component(low) or _VERSIONED.fullmatch(low) is not None:
        return True
    stem, *suffixes = low.split(".")
    return set(suffixes) <= FILE_SUFFIXES | {"export", "short", "nochain"} and stem in (_PATH_PIECES | WORDS)


@cache
def vocabulary() -> frozenset[str]:
    """Words of the package's own data and of everyday logs: they name nobody."""
    words = set(WORDS) | {check.short for check in known_checks()}
    for file in ("checks.toml", "errors.toml", "findings.toml"):
        words.update(w.lower() for w in re.findall(r"[A-Za-z][A-Za-z0-9]+", str(load(file))))
    return frozenset(words)


@cache
def sought() -> frozenset[str]:
    """Words of sentences that rules look for: were one taken for a name, the log would mean another thing."""
    texts = (str(load(file)) for file in files() if file not in ("known_words.toml", "secrets.toml"))
    words = (word for text in texts for word in re.findall(r"(?<![\w.\\/=-])[a-z]{3,}(?![\w.\\/=-])", text))
    return frozenset(words) - MACHINES
