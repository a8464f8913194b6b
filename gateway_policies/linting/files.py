"""The texts of policy files, for the rules that look at what is not loaded: comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway_policies.loading.folder import ENVIRONMENTS, Listing, content_of


def texts_of(folder: Path, environments: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """The policy files of a folder and of some of its environments, as places name them, with what they say."""
    for below in ("", *(f"{ENVIRONMENTS}/{name}" for name in environments)):
        for file in Listing(folder, below).files:
            content = content_of(file)
            # One that cannot be read, or is no text, is an error of loading and told there.
            if isinstance(content, bytes):
                yield file.file, content.decode("utf-8", errors="replace")
