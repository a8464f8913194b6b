"""The key of a platform's audit chain, as the user's context remembers it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from platforms import context_file
from platforms.contexts import Resolved
from platforms.errors import ContextError
from transactions.audit_key import TrustedKey, read_pin


def pinned(resolved: Resolved) -> TrustedKey | None:
    """The key that the context trusts; None where it trusts none yet."""
    text = None if resolved.context is None else resolved.context.audit_key
    return None if text is None else read_pin(text)  # the contexts were checked when they were read


def pin(resolved: Resolved, key: TrustedKey, environ: Mapping[str, str]) -> None:
    """Write a key into the user's context.

    Raises:
        ContextError: the platform is none of the user's contexts, or they cannot be written.
    """
    folder = context_file.config_folder(environ)
    contexts = context_file.load(folder)
    known = contexts.context.get(resolved.name) if resolved.named else None
    if known is None:
        raise ContextError(
            f"{resolved.url} is none of your contexts ({resolved.chosen_by} names it), so there is no place to keep "
            "its key. Nothing was pinned. Add it with 'andon context add NAME --url URL', or keep the key in a file: "
            "'andon audit key -o json > FILE', and 'andon audit verify --key FILE'."
        )
    changed = msgspec.structs.replace(known, audit_key=key.pin)
    context_file.save(folder, msgspec.structs.replace(contexts, context={**contexts.context, resolved.name: changed}))
