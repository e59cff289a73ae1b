"""State that one release wrote and another reads."""
