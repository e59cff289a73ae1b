"""Measurements on the real broker. Figures go to docs/performance.md with their conditions; nothing here is a test."""
