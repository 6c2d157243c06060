"""Finding rules by theme: each takes a ``Case`` and returns findings; ``rank`` puts causes before their symptoms."""
