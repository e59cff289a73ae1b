"""The pure core: facts in, state out. Standard library only; no I/O, no clock, no randomness."""
