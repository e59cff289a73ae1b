"""``python -m streams.cli`` is ``paystate``."""

from streams.cli.main import main

main()
