"""A company and its banks, made from a seed, that keeps its own truth of what became of every payment."""
