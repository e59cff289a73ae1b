"""Documentation for people. ``python -m docs.generate`` writes the pages that the code can tell by itself."""
