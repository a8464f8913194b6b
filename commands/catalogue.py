"""What the top of ``andon`` offers, as a table: its help is printed from here without importing any command."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One word after ``andon``: the module below ``commands`` that has it, and its line in the help."""

    name: str
    module: str
    help: str
    alias_of: str | None = None


ENTRIES: tuple[Entry, ...] = (
    Entry("transactions", "transactions", "List, show, replay, discard and restore transactions."),
    Entry("tx", "transactions", "Short for transactions.", alias_of="transactions"),
    Entry("groups", "groups", "Failed transactions with the same cause, together: how many, since when, what helps."),
    Entry("batches", "batches", "Follow, pause, resume and cancel the runs of plans; take again what failed."),
    Entry("stop", "stop", "Stop every running batch at once."),
    Entry("approvals", "approvals", "What waits for a second person: see it, approve it, reject it."),
    Entry("reconcile", "reconcile", "Ask the systems themselves, and see where they disagree and why."),
    Entry("handover", "handover", "What a shift hands to the next: done, left, waiting, to watch."),
    Entry("kpis", "kpis", "Key figures of a window, and the report on a week's service levels."),
    Entry("systems", "systems", "Systems and their health; place and release holds."),
    Entry("hub", "hub", "Serve, seed and ask a hub; send it documents; its simulator."),
    Entry(
        "policy",
        "policy",
        "What governs the gateway, as files in git: check them, compare them, apply them.",
    ),
    Entry(
        "gateway",
        "gateway",
        "What is live at the gateway: APIs, versions, scopes, consumers, throttles; who calls.",
    ),
    Entry("audit", "audit", "Who did what, when and why."),
    Entry("context", "context", "The platforms you work with, and which one is current."),
    Entry("login", "login", "Sign in at a platform; tokens are kept in the system keyring."),
    Entry("logout", "logout", "Forget and revoke the tokens of a platform."),
    Entry("whoami", "whoami", "Who you are to the platform, what you may do, and until when."),
    Entry("doctor", "doctor", "Check this machine and the way to the platform."),
    Entry("demo", "demo", "A hub, simulated systems and a story, in a temporary folder."),
    Entry("completion", "completion", "Print the completion script for a shell."),
)

BY_NAME: dict[str, Entry] = {entry.name: entry for entry in ENTRIES}

GLOBAL_OPTIONS: tuple[tuple[str, str], ...] = (
    ("--context NAME", "The context to work on."),
    ("--url URL", "The platform to work on, by address."),
    ("-o, --output FORMAT", "table, json, jsonl, csv, yaml or id."),
    ("--no-color", "No colours."),
    ("-q, --quiet", "No progress and no notes, only results and errors."),
    ("-v, --verbose", "Say on stderr which platform is asked what."),
    ("--read-only", "Refuse everything that changes something."),
    ("--version", "Print the version."),
    ("-h, --help", "Print this help; after a command, that command's."),
)


def help_text() -> str:
    """The help of ``andon`` itself."""
    rows = [(entry.name, entry.help) for entry in ENTRIES]
    width = max(len(left) for left, _ in (*rows, *GLOBAL_OPTIONS)) + 3
    lines = [
        "Usage: andon [OPTIONS] COMMAND [ARGS]...",
        "",
        "  Failed transactions between a manufacturer's systems: see, understand, replay.",
        "  Without a command, on a terminal: the console.",
        "",
        "Commands:",
        *(f"  {left:<{width}}{right}" for left, right in rows),
        "",
        "Options (anywhere on the line):",
        *(f"  {left:<{width}}{right}" for left, right in GLOBAL_OPTIONS),
        "",
        "  'andon COMMAND --help' says more. Exit codes: 0 done, 1 failed, 2 usage, 3 unreachable,",
        "  4 not signed in or not allowed, 5 some items failed, 6 refused, 7 not found, 8 stale, 10 differences.",
    ]
    return "\n".join(lines) + "\n"
