"""The records that could not be folded: what they are, what to do about them, and sending them again."""
