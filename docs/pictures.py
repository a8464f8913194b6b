"""Takes the pictures of the docs from the real console: ``ANDON_URL=… ANDON_TOKEN=… python docs/pictures.py``.

The hub should have a shift behind it with something to see: serve one with ``--simulate``, switch faults on for a
while, and off again.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from console.app import AndonApp
from console.platform_source import PlatformSource
from platforms.contexts import Choice, resolve

IMAGES = Path(__file__).parent / "images"
SIZE = (120, 28)
PAGES = {"board": "board", "failed": "failed"}


async def take() -> None:
    """One picture per page, when the page has settled."""
    context = resolve(Choice(), os.environ, Path.cwd())
    for name, line in PAGES.items():
        app = AndonApp(context, PlatformSource(context))
        async with app.run_test(size=SIZE) as pilot:
            app.obey(line)
            await asyncio.sleep(3)
            await pilot.pause()
            picture = app.export_screenshot(title=f"andon: {name}")
            # the fonts would be fetched from elsewhere by whoever looks at the picture
            alone = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
            # without it some viewers drop the blanks that line the numbers up
            alone = alone.replace("<text ", '<text xml:space="preserve" ')
            (IMAGES / f"{name}.svg").write_text(alone, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(take())
