"""The words of the ``:`` command line; any unique beginning of one will do."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A word, what it takes and what it does."""

    name: str
    argument: str
    help: str


VERBS = (
    Verb("board", "", "plants and flows"),
    Verb("failed", "[FILTER]", "failed transactions"),
    Verb("groups", "[FILTER]", "failed transactions with the same cause, together"),
    Verb("transaction", "ID", "one transaction"),
    Verb("batches", "", "runs of plans"),
    Verb("approvals", "[HASH]", "what waits for a second person"),
    Verb("systems", "", "systems, their health and holds"),
    Verb("gateway", "[PAGE]", "the gateway: calendar, consumers, throttles, drift, plan; or an address"),
    Verb("reconcile", "[KIND]", "where the systems themselves disagree, and why"),
    Verb("kpis", "[WINDOW]", "key figures of a window: latency, failures, replays, propagation"),
    Verb("handover", "[previous]", "what a shift hands to the next: done, left, waiting, to watch"),
    Verb("log", "", "the commands that do what was done here"),
    Verb("whoami", "", "who you are here, and what you may do"),
    Verb("theme", "[NAME]", "another theme"),
    Verb("help", "", "keys that run here"),
    Verb("quit", "", "leave"),
)

PAGES_OF_GATEWAY = {
    "calendar": "versions of APIs over time, and what comes next",
    "consumers": "consumers against scopes",
    "throttles": "throttles, and which one counts",
    "drift": "what was changed at the gateway by hand",
    "plan": "what a folder of policies would change",
}
"""For the palette: what follows ``gateway``, and what it shows."""


class UnknownVerb(ValueError):
    """Not a word of the command line, or the beginning of several."""


def read(line: str) -> tuple[Verb, str]:
    """The verb and its argument.

    Raises:
        UnknownVerb: the message says which words there are.
    """
    word, _, argument = line.strip().removeprefix(":").partition(" ")
    found = [verb for verb in VERBS if verb.name == word] or [verb for verb in VERBS if verb.name.startswith(word)]
    if not word or not found:
        raise UnknownVerb(f"There is no command {word!r}. Commands: {', '.join(verb.name for verb in VERBS)}.")
    if len(found) > 1:
        raise UnknownVerb(f"{word!r} begins {' and '.join(verb.name for verb in found)}. Write one more letter.")
    verb, argument = found[0], argument.strip()
    if verb.argument == "ID" and not argument:
        raise UnknownVerb(f"{verb.name} wants an id: ':{verb.name} ID'. Copy one with y.")
    return verb, argument


def complete(line: str) -> list[Verb]:
    """The verbs that what was typed so far may become."""
    word, blank, _ = line.strip().removeprefix(":").partition(" ")
    return [verb for verb in VERBS if verb.name == word or (not blank and verb.name.startswith(word))]
