"""One module for each format; each registers itself with the kinds of things that it can write, see ``kinds``."""
