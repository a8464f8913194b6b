"""Changes of files as a patch that ``git apply`` takes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PLAIN = re.compile(r"[^\x00-\x1f\"\\\x7f]+")
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def render_patch(before: Mapping[str, str | None], after: Mapping[str, str | None], *, prefix: str = "") -> str:
    """The patch; nothing where nothing differs.

    Args:
        before: what files say, by path; None for one that is not there.
        after: what they are to say; None for one that goes away.
        prefix: the folder of the files below the repository's root, with ``/``: by it git finds them from wherever it
            is called.
    """
    parts: list[str] = []
    for file in sorted(after):
        old, new = before.get(file), after[file]
        if old != new:
            path = f"{prefix}/{file}" if prefix not in ("", ".") else file
            parts += _file(path, old, new)
    return "".join(parts)


def _file(path: str, old: str | None, new: str | None) -> Iterator[str]:
    one, other = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    yield f"diff --git {one} {other}\n"
    if old is None:
        yield "new file mode 100644\n"
    if new is None:
        yield "deleted file mode 100644\n"
    # A blank in a name ends it for some, unless a tab does.
    tab = "\t" if " " in path else ""
    names = ("/dev/null" if old is None else one + tab), ("/dev/null" if new is None else other + tab)
    lines = difflib.unified_diff(_LINE.findall(old or ""), _LINE.findall(new or ""), *names)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _quoted(path: str) -> str:
    """A path as git has it in a patch: in quotes where it has signs that would not be read back."""
    if _PLAIN.fullmatch(path):
        return path
    said = "".join(_ESCAPES.get(each) or (each if _PLAIN.fullmatch(each) else f"\\{ord(each):03o}") for each in path)
    return f'"{said}"'
