"""The measures that the house holds: statements, long files and long functions, room by room.

python tools/measure.py [CHECKOUT]
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path


def statements(tree: ast.AST) -> int:
    """All statements but docstrings and other lone strings."""
    return sum(isinstance(node, ast.stmt) and not _is_string(node) for node in ast.walk(tree))


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve() / "analyzer"
    rooms: Counter[str] = Counter()
    longest: list[tuple[int, str]] = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        parts = path.relative_to(root).parts
        rooms[parts[0] if len(parts) > 1 else "(ground floor and façade)"] += statements(ast.parse(text))
        longest.append((text.count("\n"), str(path.relative_to(root))))
    for room, count in sorted(rooms.items()):
        print(f"{count:7} {room}")
    print(f"{sum(rooms.values()) - rooms['testing']:7} in all, without testing")
    print("longest files:", ", ".join(f"{name} {lines}" for lines, name in sorted(longest, reverse=True)[:8]))


if __name__ == "__main__":
    main()
