"""Following a start while it happens: what a growing log says so far, what changed, and when to stop."""
