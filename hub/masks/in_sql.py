"""The masks as a function of the database, so that a search sees what a reader would see."""

from __future__ import annotations

from collections.abc import Callable

from hub.charset import text_of
from hub.masks.flow import Masks

NAME = "andon_shown"

Shown = Callable[[str, str, bytes], str]


def shown_text(masks: Masks) -> Shown:
    """What :data:`NAME` computes: of flow, content type and content, the text that is shown; empty where nothing is.

    The same for the same arguments as long as the process lives, since masks are read when it starts.
    """

    def shown(flow: str, content_type: str, content: bytes) -> str:
        hidden = flow_masks.hide(content, content_type) if (flow_masks := masks.flow(flow)) is not None else None
        if hidden is None or hidden.content == content:
            return text_of(content, content_type) or ""
        return "" if hidden.content is None else hidden.content.decode()

    return shown
