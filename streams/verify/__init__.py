"""An independent reading of the topics: was anything lost, repeated, reordered or misjudged?

Nothing here uses the engine or the agents: a plain consumer, plain dictionaries, the pure domain.
"""
