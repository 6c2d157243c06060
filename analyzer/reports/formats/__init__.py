"""One module for each format; each adds itself to the kinds of things that it can write, see ``format``."""
