"""What may be wrong around paystate: one check a question, each with what was found and what to do about it."""
