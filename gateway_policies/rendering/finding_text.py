"""Findings as people read them: file by file, each with its place, what is wrong, and once what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from gateway_policies.findings import Finding
from gateway_policies.rendering.finding_words import file_of, summary

Paint = Callable[[str, str], str]
"""A text in a colour: ``red``, ``yellow``, ``dim``, ``bold``."""

_COLOURS = {"error": "red", "warning": "yellow", "off": "dim"}
_INDENT = "    "


def _uncoloured(text: str, _colour: str) -> str:
    return text


def render_text(
    findings: Sequence[Finding],
    *,
    prefix: str = "",
    suppressed: int = 0,
    width: int = 80,
    paint: Paint = _uncoloured,
    clean: Callable[[str], str] = str,
) -> str:
    """Findings as text, with a line at the end that counts them.

    Args:
        findings: in the order in which they are told; those of one file have to stand together.
        prefix: the folder of the policies, as the reader names it.
        suppressed: how many more there are that are known.
        width: columns that there are; what has no spaces in it is never broken.
        clean: makes what policies say harmless to a terminal.
    """
    lines: list[str] = []
    advised: set[tuple[str, str]] = set()
    before: str | None = None
    for each in findings:
        file = file_of(each, prefix)
        if lines and file != before:
            lines.append("")
        before = file
        lines.append(_head(each, file, paint, clean))
        lines += _wrapped(clean(each.message), width)
        # Of a hundred findings of one rule the advice is read once.
        if each.help and (each.rule, each.help) not in advised:
            advised.add((each.rule, each.help))
            lines += [paint(line, "dim") for line in _wrapped(clean(each.help), width)]
    if lines:
        lines.append("")
    return "\n".join([*lines, summary(findings, suppressed)]) + "\n"


def _head(finding: Finding, file: str | None, paint: Paint, clean: Callable[[str], str]) -> str:
    word = paint(finding.severity.value, _COLOURS[finding.severity])
    rule = paint(finding.rule, "bold")
    if file is None or finding.place is None:
        return f"{word} {rule}"
    return f"{clean(file)}:{finding.place.line}:{finding.place.column}: {word} {rule}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
