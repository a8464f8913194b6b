"""What a person is about to do, before there is a plan: and the command that would do the same."""

from __future__ import annotations

import shlex

import msgspec
from msgspec import Struct

from console.text import number, one_line
from transactions.edits import say_set
from transactions.plans import Action, PlanOptions, PlanRequest

_OF_DOCUMENTS = (Action.EDIT, Action.CORRECT)
"""They send the drafts that are stored, unless their options say what to set."""


class Draft(Struct, frozen=True, kw_only=True):
    """An action on ids, on all that match a filter, or (holds) on a place.

    Attributes:
        count: how many transactions it is about, as far as known; None for holds.
        command: the words after ``andon`` that begin it, where those are not the usual ones.
    """

    action: Action
    ids: list[str] | None = None
    filter: str | None = None
    options: PlanOptions = msgspec.field(default_factory=PlanOptions)
    count: int | None = None
    command: list[str] | None = None

    @property
    def title(self) -> str:
        """``replay 214``, ``hold ERP P02``."""
        if self.action in (Action.HOLD, Action.RELEASE):
            return one_line(f"{self.action} {self.place}")
        if self.options.process:
            return f"{self.action} a process"
        return f"{self.action} {number(self.count or 0)}"

    @property
    def place(self) -> str:
        """What a hold is about."""
        return place_of(self.options)

    def breaking_glass(self, breaking: bool) -> Draft:
        """The same, without the second person it may want, or with."""
        return msgspec.structs.replace(self, options=msgspec.structs.replace(self.options, break_glass=breaking))

    def request(self, reason: str) -> PlanRequest:
        """What to ask the platform for."""
        return PlanRequest(action=self.action, reason=reason, ids=self.ids, filter=self.filter, options=self.options)

    def equivalent(self, reason: str) -> str:
        """The command line that does the same, whole: it is copied and pasted."""
        words = ["andon"]
        if self.command is not None:
            words += self.command
        elif self.action in (Action.HOLD, Action.RELEASE):
            words += ["systems", str(self.action)]
            words += [self.options.target] if self.options.target else []
            words += ["--plant", self.options.plant] if self.options.plant else []
            words += ["--flow", self.options.flow] if self.options.flow else []
        else:
            words += ["tx", str(self.action)]
            words += self.ids or []
            words += ["--filter", self.filter] if self.filter is not None else []
            words += ["--drafts"] if self.action in _OF_DOCUMENTS and not self.options.patch else []
        options = self.options
        for step in options.patch:
            words += ["--set", say_set(step)]
        words += ["--as", str(options.resolve_as)] if options.resolve_as else []
        words += ["--evidence", options.evidence] if options.evidence else []
        words += ["--process"] if options.process else []
        words += ["--date", options.date] if options.date else []
        words += ["--break-glass"] if self.options.break_glass else []
        return shlex.join([*words, "--reason", reason, "--yes"])


def place_of(options: PlanOptions) -> str:
    """What a hold is about."""
    return " ".join(value for value in (options.target, options.plant, options.flow) if value) or "everything"
