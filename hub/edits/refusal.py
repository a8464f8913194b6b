"""Why an edit cannot be made; the reasons repeat nothing that stands in the document."""

from __future__ import annotations


class CannotEdit(Exception):
    """The edit does not apply, or changes what must stay.

    Attributes:
        reason: part of a sentence, without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WantsReveal(CannotEdit):
    """It changes a masked field."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} is masked, and changing it wants the permission 'reveal' and a draft of its own "
            "(andon tx edit ID --set PATH=VALUE --draft)"
        )
