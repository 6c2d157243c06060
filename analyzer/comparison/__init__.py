"""Two collections beside each other: what is longer in one of them, and how sure that is."""
