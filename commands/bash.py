"""Completion for bash, which cuts words at more places than other shells do.

Typer hands bash's own words over, and bash cuts at ``:`` and ``=``: of ``--filter plant:P`` only ``P`` would arrive,
without what it is a value of. So the line itself is read here, and what bash has before its last cut is left out of
what is offered.
"""

from __future__ import annotations

import os

from typer._click.shell_completion import ShellComplete, add_completion_class
from typer._completion_classes import BashComplete

SCRIPT = """\
_andon_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
                   _ANDON_COMPLETE=complete_bash "$1" ) )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:\\>,] ]]; then
        compopt -o nospace
    fi
    return 0
}

complete -o default -F _andon_completion andon
"""


class Bash(BashComplete):
    """Reads the line as it was typed."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one being typed, and that one."""
        words, word, _ = taken_apart(_typed())
        return words[1:], word

    def complete(self) -> str:
        """What to offer, a line each."""
        words, word, unquoted = taken_apart(_typed())
        offered = [item.value for item in self.get_completions(words[1:], word)]
        return "\n".join(without_cut(offered, word) if unquoted else offered)


def register() -> None:
    """Take the place of Typer's own."""
    kind: type[ShellComplete] = Bash
    add_completion_class(kind, "bash")


def _typed() -> str:
    """The line up to the cursor; COMP_POINT counts bytes in some locales, and a line cut short is still a line."""
    line = os.environ.get("COMP_LINE", os.environ.get("COMP_WORDS", ""))
    point = os.environ.get("COMP_POINT", "")
    return line[: int(point)] if point.isdigit() else line


def taken_apart(line: str) -> tuple[list[str], str, bool]:
    """Words before the last one, the last one without its quotes, and whether it has none."""
    words: list[str] = []
    word, quote, quoted, escaped, begun = "", "", False, False, False
    for char in line:
        if escaped:
            word, escaped = word + char, False
        elif quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"':
                escaped = True
            else:
                word += char
        elif char == "\\":
            escaped = begun = True
        elif char in "'\"":
            quote, quoted, begun = char, True, True
        elif char.isspace():
            if begun:
                words.append(word)
            word, quoted, begun = "", False, False
        else:
            word, begun = word + char, True
    return words, word, not quoted


def without_cut(offered: list[str], word: str) -> list[str]:
    """``offered`` without what bash has before its last cut in ``word``, as it only replaces what stands after it."""
    breaks = os.environ.get("COMP_WORDBREAKS", "\"'><=;|&(:")
    cut = max((n for n, char in enumerate(word) if char in breaks and char in ":=<>"), default=-1) + 1
    if not cut:
        return offered
    # Of --filter=plant:P, what is offered are values of --filter, without its name.
    name = word[: word.index("=") + 1] if word.startswith("--") and "=" in word else ""
    told = [value if value.startswith(word[:cut]) else name + value for value in offered]
    return [value[cut:] for value in told if value.startswith(word[:cut])]
