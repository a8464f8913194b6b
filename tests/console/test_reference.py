from __future__ import annotations

from console.bindings import known_ids
from console.reference import PAGE, page


def test_the_page_of_keys_is_what_the_bindings_say() -> None:
    if not PAGE.parent.is_dir():
        # Only the checkout has the documents; the installed package is tested without them.
        return
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m console.reference > docs/reference/keys.md"


def test_the_page_names_every_action_that_can_be_moved() -> None:
    missing = [name for name in known_ids() if f"`{name}`" not in page()]
    assert missing == []
