"""Upgrades: what is decided, who is refused."""
