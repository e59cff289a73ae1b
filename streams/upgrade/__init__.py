"""From one form to the next while workers run: who reads what, what was decided, and who is refused after it."""
