"""Masks: personal data and prices that a flow declares, kept out of all that is shown, searched and written down.

They are applied when something is read, with the settings of now, so that old documents are masked as well; and to a
target's words before they are written anywhere, so that lists need no document. Always by structure, never by
replacing a piece of a text: a field is masked whole, a sentence is withheld whole.
"""

from hub.masks.document import Hidden, Hit
from hub.masks.flow import NO_MASKS, FlowMasks, Masks

__all__ = ["NO_MASKS", "FlowMasks", "Hidden", "Hit", "Masks"]
