"""Finding rules by theme. A module is read because it lies here; each function registers itself with ``rule``."""
