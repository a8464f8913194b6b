"""The least that a Textual app of three widgets can be: what the console's first paint is measured against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Static


class Bare(App[None]):
    """Header, text, footer."""

    def compose(self) -> ComposeResult:
        """Three widgets."""
        yield Header()
        yield Static("three widgets")
        yield Footer()


if __name__ == "__main__":
    Bare().run()
