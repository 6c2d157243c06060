"""Every message with which the source says that a process ends, fails or waits, and which of them the vocabulary knows.

    python tools/source_ends.py list PRODUCT RELEASE REPOSITORY COMMIT [PATH…]   # rows of a Go source, as TSV
    python tools/source_ends.py merge FILE…          # rows of several releases, each message of a product once
    python tools/source_ends.py check [FILE…] [--misses]     # counts by package (default: the lists in tests/data)
    python tools/source_ends.py page > docs/vocabulary.md

The list is made of what stands between the brackets of a call: ``logrus.Fatal``, ``panic``, ``klog.Fatal``,
``errors.New``, ``fmt.Errorf``, ``WithMessage``, ``Wrap`` …; and of log lines inside loops that try again. Texts are
kept as Go's format strings (``%s`` for what is put in), with the first file and commit: facts, no code.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
LISTED = (DATA / "source_ends.tsv", DATA / "source_ends_components.tsv")
LEFT_OUT_FOR = DATA / "source_ends_left_out.tsv"  # texts that are no layer on purpose, each with its reason
PATHS = {
    "k3s": ("cmd", "pkg"),
    "rke2": ("cmd", "pkg", "main.go"),
}
LEFT_OUT = re.compile(
    r"_test\.go$|zz_generated|/testdata/|^tests?/|^pkg/(?:generated|codegen|kubectl|ctr|crd|apis)/|^scripts/|^contrib/"
    r"|^pkg/cli/(?:cmds/(?:const|init)|crictl|ctr|kubectl|completion)"
)
CALL = re.compile(
    r"\b(?P<fatal>(?:logrus|klog|log)\.(?:Fatal|Exit)(?:f|ln)?|(?:logrus|klog)\.WithError\(\w+\)\.Fatal(?:f|ln)?)\("
    r"|\b(?P<panic>(?:logrus\.Panic(?:f|ln)?|panic))\("
    r"|\b(?P<wrapper>\w*errors\.(?:WithMessagef?|Wrapf?)|pkgerrors\.(?:WithMessagef?|Wrapf?))\("
    r"|\b(?P<root>\w*errors\.(?:New|Errorf)|fmt\.Errorf|cli\.(?:Exit|NewExitError)|status\.Errorf?)\("
    r"|\b(?P<logged>(?:logrus|klog|log)\.(?:WithField\([^)]*\)\.)?(?:Info|Warn|Warning|Error|Print|V\(\d\)\.Info)(?:f|ln|S)?)\("
)
LOOP = re.compile(
    r"\bwait\.(?:Poll|Until|Jitter|Exponential)\w*\(|\bretry\.\w+\("
    r"|\bfor\s*\{|\bfor range (?:time|ticker)|\btime\.Tick\("
)
WAITING = re.compile(r"(?i)waiting|retry|retrying|try again|not (?:yet )?ready|trying again|will be retried|still ")
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
VERB = re.compile(r"%[-+# 0]*[\d.]*[a-zA-Z]")


@dataclass(frozen=True, order=True)
class Row:
    product: str
    release: str
    commit: str
    place: str  # file and line
    kind: str  # fatal | panic | wrapper | root | wait
    text: str


def show(repo: Path, *args: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), *args], check=True, capture_output=True, text=True, errors="replace"
    ).stdout


def rows(product: str, release: str, repo: Path, commit: str, paths: Iterable[str]) -> Iterator[Row]:
    """What a commit of a repository says, in the order of files and lines."""
    full = show(repo, "rev-parse", commit).strip()[:12]
    for name in show(repo, "ls-tree", "-r", "--name-only", commit, "--", *paths).splitlines():
        if name.endswith(".go") and not LEFT_OUT.search(name):
            for line, kind, text in messages(show(repo, "show", f"{commit}:{name}")):
                yield Row(product, release, full, f"{name}:{line}", kind, text)


def messages(source: str) -> Iterator[tuple[int, str, str]]:
    """``(line, kind, text)`` of each message of a Go file."""
    code = without_comments(source)
    loops = [
        (found.start(), closing(code, found.end() - 1))
        for found in LOOP.finditer(code)
        if code[found.end() - 1] in "({"
    ]
    for found in CALL.finditer(code):
        end = closing(code, found.end() - 1)
        text = first_text(code[found.end() : end])
        kind = str(found.lastgroup)
        if text is None or len(VERB.sub("", text).strip(" :.")) < 4:
            continue
        if kind == "logged":
            inside = any(begin < found.start() < stop for begin, stop in loops)
            if not (WAITING.search(text) or (inside and re.search(r"(?i)fail|unable|error|cannot", text))):
                continue
            kind = "wait"
        if kind == "root" and text.rstrip().endswith(("%w", "%v", "%s")) and re.search(r": %[wvs]\s*$", text):
            kind, text = "wrapper", re.sub(r": %[wvs]\s*$", "", text)
        yield code.count("\n", 0, found.start()) + 1, kind, text


def without_comments(source: str) -> str:
    """The same text with comments blanked; strings stay."""
    pattern = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return pattern.sub(lambda hit: re.sub(r"[^\n]", " ", hit[0]) if hit[0][:1] == "/" else hit[0], source)


def closing(code: str, at: int) -> int:
    """Where the bracket that opens at ``at`` closes; strings are skipped."""
    depth = 0
    for hit in re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\'(?:[^\'\\]|\\.)\'|[({\[]|[)}\]]').finditer(code, at):
        if hit[0] in "({[":
            depth += 1
        elif hit[0] in ")}]":
            depth -= 1
            if depth == 0:
                return hit.start()
    return len(code)


def first_text(arguments: str) -> str | None:
    """The first argument that is a text, with ``%s`` where something is put in by ``+``."""
    for part in split(arguments, ","):
        if not STRING.search(part) or "(" in STRING.sub("", part):
            continue
        pieces = [piece.strip() for piece in split(part, "+")]
        texts = [unquoted(piece) if STRING.fullmatch(piece) else "%s" for piece in pieces]
        return " ".join("".join(texts).split())
    return None


def split(text: str, at: str) -> list[str]:
    """``text`` at each ``at`` that stands outside of brackets and strings."""
    found, depth, begin = [], 0, 0
    for hit in re.finditer(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|[({\[]|[)}\]]|' + re.escape(at), text):
        depth += (hit[0] in "({[") - (hit[0] in ")}]")
        if hit[0] == at and depth == 0:
            found.append(text[begin : hit.start()])
            begin = hit.end()
    return [*found, text[begin:]]


def unquoted(literal: str) -> str:
    return literal[1:-1] if literal[0] == "`" else literal[1:-1].encode().decode("unicode_escape", "replace")


def merged(all_rows: Iterable[Row]) -> list[Row]:
    """Each text of a product once per package: the first release that is given has it, the others are named."""
    by_text: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in all_rows:
        by_text[row.product, row.text, row.place.rpartition("/")[0]].append(row)
    found = []
    for same in by_text.values():
        releases = ",".join(dict.fromkeys(row.release for row in same))
        found.append(Row(same[0].product, releases, same[0].commit, same[0].place, same[0].kind, same[0].text))
    return sorted(found, key=lambda row: (row.product, row.place.rpartition(":")[0], row.text))


def written(some: Iterable[Row]) -> None:
    for row in some:
        print("\t".join(str(value).replace("\t", " ").replace("\n", " ") for value in astuple(row)))


def read(path: Path) -> list[Row]:
    lines = path.read_text().splitlines()
    return [Row(*line.split("\t")) for line in lines if line.count("\t") == len(fields(Row)) - 1]


# --- against the vocabulary -----------------------------------------------------------------------------------------


def known(row: Row) -> bool:
    """Whether a layer of the vocabulary has this text, as it stands or as it would be printed."""
    from analyzer.events.chain import layers, read

    texts = {text for layer in layers() for text in layer.text}
    bare = re.sub(r"[:,]? ?%[wvs]$", "", row.text)
    if row.text in texts or bare in texts:
        return True
    printed = VERB.sub("x", bare).rstrip(" .:")
    return any(link.begin == 0 and link.end >= len(printed) for link in read(printed).links)


def counted(all_rows: Iterable[Row]) -> tuple[dict[tuple[str, str], list[int]], list[Row]]:
    """By product and package how many texts there are and how many of them are known, and those that are not."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    misses = []
    for row in all_rows:
        package = row.place.rpartition("/")[0]
        found[row.product, package][0] += 1
        if known(row):
            found[row.product, package][1] += 1
        else:
            misses.append(row)
    return dict(found), misses


def left_out() -> dict[tuple[str, str], str]:
    """Why a text of a product is no layer."""
    rows = (line.split("\t") for line in LEFT_OUT_FOR.read_text().splitlines())
    return {(product, text): reason for product, text, reason in rows}


PAGE = """# What the sources say, and what k3slog knows of it

Made by `python tools/source_ends.py page`; a test holds it against the lists.

A server or an agent ends, fails or waits with words that stand in its source. The lists `tests/data/source_ends*.tsv`
hold each of these texts once per package, as Go's format string, with its kind (fatal, panic, wrapper, root, wait), the
releases that have it, and the file, line and commit in which it was read first. The layers in
`analyzer/events/layers/` say what each means, whether the process ends with it, and what to do; a text that is left out
has its reason in `tests/data/source_ends_left_out.tsv`.

Kubernetes' own parts (kubelet, API server, kube-proxy, controllers, kube-router) are layers, too, but in no list: their
repository is too large to be brought here.

"""


def page() -> Iterator[str]:
    """``docs/vocabulary.md``: the counts by product and package, and the commits."""
    listed = [row for path in LISTED for row in read(path)]
    counts, misses = counted(listed)
    yield PAGE
    yield "| product | texts | known | left out, with a reason | releases read |\n|---|--:|--:|--:|---|\n"
    for product in dict.fromkeys(row.product for row in listed):
        rows = [row for row in listed if row.product == product]
        missed = sum(row.product == product for row in misses)
        releases = dict.fromkeys(release for row in rows for release in row.release.split(","))
        yield f"| {product} | {len(rows)} | {len(rows) - missed} | {missed} | {', '.join(releases)} |\n"
    yield "\n| product | package | texts | known |\n|---|---|--:|--:|\n"
    for (product, package), (total, told) in sorted(counts.items()):
        yield f"| {product} | `{package or '.'}` | {total} | {told} |\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list")
    for name in ("product", "release", "repository", "commit"):
        listing.add_argument(name)
    listing.add_argument("paths", nargs="*")
    merging = commands.add_parser("merge")
    merging.add_argument("files", nargs="+", type=Path)
    checking = commands.add_parser("check")
    checking.add_argument("files", nargs="*", type=Path, default=LISTED)
    checking.add_argument("--under", default="", help="only files whose path begins so, as pkg/etcd")
    checking.add_argument("--misses", action="store_true", help="name those that the vocabulary does not know")
    commands.add_parser("page")
    options = parser.parse_args()
    if options.command == "page":
        sys.path.insert(0, str(ROOT))
        sys.stdout.writelines(page())
        return 0
    if options.command == "check":
        sys.path.insert(0, str(ROOT))
        listed = [row for path in options.files for row in read(path)]
        counts, misses = counted(row for row in listed if row.place.startswith(options.under))
        for (product, package), (total, told) in sorted(counts.items()):
            print(f"{product:6} {package:36} {told:4} of {total:4}")
        reasons = left_out()
        for row in misses if options.misses else ():
            print(f"{row.product}\t{row.place}\t{row.text}\t{reasons.get((row.product, row.text), 'NO REASON')}")
        print(f"{sum(told for _, told in counts.values())} of {sum(total for total, _ in counts.values())} known")
        return int(any((row.product, row.text) not in reasons for row in misses))
    if options.command == "list":
        paths = options.paths or PATHS[options.product]
        written(rows(options.product, options.release, Path(options.repository), options.commit, paths))
    else:
        written(merged(row for path in options.files for row in read(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
