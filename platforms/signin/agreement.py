"""Which issuer is trusted for a platform: agreed on at the first sign-in, and not changed by the platform alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from platforms import context_file
from platforms.contexts import Resolved
from platforms.errors import UntrustedIssuer
from platforms.signin.metadata import ResourceMetadata
from platforms.signin.register import SignIn

ITSELF = "the platform itself"


def agree(
    metadata: ResourceMetadata | None, pinned: str | None, before: SignIn | None, *, accept: bool, address: str
) -> str | None:
    """The issuer to sign in at; None where the platform makes tokens itself.

    Args:
        metadata: what the platform says of signing in.
        pinned: the issuer that the context trusts.
        before: the sign-in that is stored for the platform.
        accept: whether somebody said to take what the platform says now.
        address: where the platform is, for messages.

    Raises:
        UntrustedIssuer: the platform names another issuer than before, or several of which none is agreed on.
    """
    offered = metadata.authorization_servers if metadata is not None else []
    agreed = pinned is not None or before is not None
    trusted = pinned or (before.key.issuer if before else None)
    if agreed and not accept:
        if trusted in offered or (trusted is None and not offered):
            return trusted
        now = " or ".join(offered) or ITSELF
        raise UntrustedIssuer(
            f"Tokens for {address} came from {trusted or ITSELF} so far, and now the platform names {now}. Whoever "
            "took the platform over could collect passwords that way, so nobody was signed in. Ask whoever runs it; if "
            "it is right: andon login --accept-issuer"
        )
    if trusted in offered:
        return trusted
    if len(offered) > 1:
        raise UntrustedIssuer(
            f"{address} names several issuers: {', '.join(offered)}. Which of them knows you is not known, so nobody "
            "was signed in. Name one in the context: andon context add NAME --url URL --issuer ISSUER --replace"
        )
    return offered[0] if offered else None


def pin(resolved: Resolved, issuer: str | None, environ: Mapping[str, str]) -> bool:
    """Write the issuer into the user's context; whether there was one to write it into.

    Raises:
        ContextError: the contexts cannot be written.
    """
    if not resolved.named or resolved.context is None:
        return False
    folder = context_file.config_folder(environ)
    contexts = context_file.load(folder)
    known = contexts.context.get(resolved.name)
    if known is None or known.issuer == issuer:
        return known is not None
    changed = msgspec.structs.replace(known, issuer=issuer)
    context_file.save(folder, msgspec.structs.replace(contexts, context={**contexts.context, resolved.name: changed}))
    return True
