"""When to ask next: pure objects, shared by the simulator and ``k3slog wait``."""
