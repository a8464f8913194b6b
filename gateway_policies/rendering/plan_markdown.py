"""A plan as a comment on a pull request: whole where it fits, and else what matters most, with what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway_policies.planning.model import Change, Hazard, Plan
from gateway_policies.rendering import plan_words as words

LIMIT = 65_536
"""Characters that a comment may have (GitHub's limit)."""

MARK = "<!-- andon policy plan -->"
"""By this the comment of an earlier run is found, to be replaced."""

_SPECIAL = re.compile(r"([\\`*_\[\]#|~>])")
_LEFT_OUT = 400  # room for what is said of what was left out, and for closing what is open


def plan_markdown(plan: Plan, limit: int = LIMIT, folder: str = "") -> str:
    """The comment.

    Args:
        limit: how many characters it may have; at least 2,000.
        folder: of the policies, from the root of the repository.
    """
    where = f"{plan.target.gateway}" + (f", {plan.environment}" if plan.environment else "")
    parts = [
        f"{MARK}\n### Policy plan for {_escaped(where)}\n",
        f"**{_cut(_escaped(plan.verdict.text), 1_000)}**\n",
    ]
    length = sum(map(len, parts))
    left: dict[Hazard, int] = {}
    for hazard, changes in words.sections(plan):
        opening, closing = _frame(hazard, len(changes))
        body: list[str] = []
        for change in changes:
            text = _change(change, folder, plan.back_to)
            if left or length + len(opening) + sum(map(len, body)) + len(text) + len(closing) + _LEFT_OUT > limit:
                left[hazard] = left.get(hazard, 0) + 1
            else:
                body.append(text)
        if body:
            parts.append(opening + "".join(body) + closing)
            length += len(parts[-1])
    if left:
        counts = ", ".join(f"{count:,} of '{words.TITLES[hazard].lower()}'" for hazard, count in left.items())
        parts.append(f"\n_Left out, since a comment may not be longer: {counts}. `andon policy plan` tells all._\n")
    parts += [f"\n_{_escaped(each)}_\n" for each in words.notes(plan) if not left]
    parts.append(f"\nPlan `{plan.hash[:12]}`, good until {plan.expires_at:%Y-%m-%d %H:%M} UTC.\n")
    return "".join(parts)


def _frame(hazard: Hazard, count: int) -> tuple[str, str]:
    title = words.TITLES[hazard]
    if hazard is Hazard.NONE:
        return f"\n<details><summary>{title} ({count:,})</summary>\n\n", "\n</details>\n"
    return f"\n#### {title} ({count:,})\n\n", ""


def _change(change: Change, folder: str, back_to: int | None) -> str:
    place = words.place(change, folder)
    said = f" in {_code(place)}" if place else ""
    lines = [f"- **{change.action}** {_code(words.heading(change))}{said}"]
    lines += [f"  - {each}" for each in _details(change, back_to)]
    return "\n".join(lines) + "\n"


def _details(change: Change, back_to: int | None) -> Iterator[str]:
    if change.because:
        yield _escaped(words.why(change))
    if (origin := words.origin(change, back_to)) is not None:
        yield _escaped(origin)
    for each in change.fields:
        yield _code(_cut(words.field(each), 300))
    if (along := words.moved_along(change)) is not None:
        yield along
    calls = words.calls(change.impact)
    if calls is not None and change.hazard is not Hazard.NONE and not words.says_calls(change):
        yield _escaped(calls)
    for blocker in change.blockers:
        yield f"{':no_entry: ' if blocker.open else ''}{_escaped(words.blocker(blocker))}"
    if change.second_person:
        yield "a second person has to approve"
    if (needed := words.needed_by(change)) is not None:
        yield _escaped(needed)


def _escaped(text: str) -> str:
    """Text that stays text: no markup, no HTML, and nobody is called by an ``@``."""
    flat = " ".join(text.split())
    harmless = flat.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&#64;")
    return _SPECIAL.sub(r"\\\1", harmless)


def _code(text: str) -> str:
    """Text as code, however many backticks are in it."""
    flat = " ".join(text.split())
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    if not longest:
        return f"`{flat}`"
    fence = "`" * (longest + 1)
    return f"{fence} {flat} {fence}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip("\\&#;") + "…"
