"""Calls about the landscape: systems, flows, plants, holds, and the board over them."""

from __future__ import annotations

from platforms.calls import Call
from transactions.landscape import Board, Flow, Hold, Plant, System
from transactions.pages import Page


def systems() -> Call[Page[System]]:
    """Every system, and every plant's own instance of one, with how it is doing."""
    return Call(method="GET", path="systems", answers=Page[System])


def flows() -> Call[Page[Flow]]:
    """Every flow as it is declared."""
    return Call(method="GET", path="flows", answers=Page[Flow])


def plants() -> Call[Page[Plant]]:
    """Every plant, with the shift that is running."""
    return Call(method="GET", path="plants", answers=Page[Plant])


def holds() -> Call[Page[Hold]]:
    """The holds that people have placed."""
    return Call(method="GET", path="holds", answers=Page[Hold])


def board() -> Call[Board]:
    """Everything the board shows, at one moment."""
    return Call(method="GET", path="board", answers=Board)
