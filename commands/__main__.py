"""``python -m commands`` is ``andon``."""

from commands.main import run

run()
