"""When to ask next: pure objects, shared by the simulator and ``k3slog wait``."""

from analyzer.policies.protocol import AskAt, Decision, Limits, Loop, Observation, Policy, Stop, state_line
from analyzer.policies.registry import from_toml, get, names

__all__ = [
    "AskAt",
    "Decision",
    "Limits",
    "Loop",
    "Observation",
    "Policy",
    "Stop",
    "from_toml",
    "get",
    "names",
    "state_line",
]
