"""An independent reading of the topics: was anything lost, repeated, reordered or misjudged?

Plain consumers, plain dictionaries, every payment recomputed in one shot. Of the pipeline only what is pure is used:
the mapping of a raw record to facts, and the domain. How facts were routed, in which order they came, what was restored
or committed: none of it is asked of the engine, all of it is judged by what it left behind.
"""
