"""Opening a page in somebody's browser, where there is one with a window."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from urllib.parse import urlsplit


def open_page(url: str, environ: Mapping[str, str]) -> bool:
    """Ask the desktop to open ``url``; whether it was asked. Never a browser that would take this terminal."""
    if urlsplit(url).scheme not in ("http", "https"):
        return False  # the address comes from elsewhere, and a browser opens files and programs too
    window = sys.platform in ("win32", "darwin") or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    if not window or environ.get("SSH_CONNECTION"):
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
