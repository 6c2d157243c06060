"""Many starts: inputs read one by one and reduced to rows at once, and what the whole of them looks like."""
