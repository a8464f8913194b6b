"""The keys that run on a page, taken from its bindings."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from console.text import fit
from console.verbs import VERBS

Group = tuple[str, list[tuple[str, str]]]


class HelpScreen(ModalScreen[None]):
    """Keys and command words; any of the ways back closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter,backspace", "close", "close")]

    def __init__(self, page: Screen[object]) -> None:
        """``page`` is the one the keys are of."""
        super().__init__()
        self._groups = keys_of(page)

    def compose(self) -> ComposeResult:
        """The list."""
        with VerticalScroll():
            yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """Written with the theme's colours."""
        tones = self.app.theme_variables
        text = Text()
        for title, keys in self._groups:
            text.append(f"{title}\n", tones["quiet"])
            for key, description in keys:
                text.append(f"  {fit(key, 16)}", f"bold {tones['accent']}")
                text.append(f"{description}\n", tones["foreground"])
            text.append("\n")
        text.append("command line\n", tones["quiet"])
        for verb in VERBS:
            text.append(f"  {fit(f':{verb.name} {verb.argument}', 24)}", f"bold {tones['accent']}")
            text.append(f"{verb.help}\n", tones["foreground"])
        text.append("\nctrl+p opens the palette.\n", tones["quiet"])
        text.append("Keys can be changed in keys.toml in the configuration folder.", tones["quiet"])
        self.query_one("#keys", Static).update(text)
        self.query_one(VerticalScroll).focus()

    def action_close(self) -> None:
        """Back to the page."""
        self.dismiss(None)


def keys_of(page: Screen[object]) -> list[Group]:
    """Keys that run on ``page`` now, by where they belong: what is focused, the page, everywhere."""
    groups: dict[str, dict[str, tuple[str, str]]] = {}
    for active in page.active_bindings.values():
        binding = active.binding
        # Bindings without an id are Textual's own for scrolling sideways and the like.
        if not binding.description or not active.enabled or binding.id is None:
            continue
        node = active.node
        title = "everywhere" if node is page.app else "this page" if node is page else "here"
        keys = groups.setdefault(title, {})
        shown = page.app.get_key_display(binding)
        before = keys.get(binding.action)
        keys[binding.action] = (f"{before[0]}, {shown}" if before else shown, binding.description)
    order = ("here", "this page", "everywhere")
    return [(title, list(groups[title].values())) for title in order if title in groups]
