"""Episodes: one start of one k3s process, its lines and its verdict."""

from analyzer.starts.split import find_starts
from analyzer.starts.start import Start, Verdict
from analyzer.starts.verdict import judge

__all__ = ["Start", "Verdict", "find_starts", "judge"]
