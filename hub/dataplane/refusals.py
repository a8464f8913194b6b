"""What the gateway answers by itself: problem documents (RFC 9457), the same for whoever reads them."""

from __future__ import annotations

from gateway_policies.routing.model import STATUS, Refusal
from hub.dataplane.vocabulary import CLIENT, GATEWAY, ISSUER, REFUSAL, THROTTLED, Message, extension, of_route, written

PROBLEM = "urn:andon:gateway:"
_MEDIA = "application/problem+json"
_CALLED = f"%REQ({CLIENT})%"


def local_replies(gateway: str) -> Message:
    """How each answer of the gateway's own is written.

    Args:
        gateway: its name, which is the realm (RFC 6750).
    """
    said, scope = of_route("detail"), of_route("scope")
    realm = f'Bearer realm="{gateway}"'
    token = f'{realm}, error="invalid_token"'
    lacking = f'{realm}, error="insufficient_scope", scope="{scope}"'
    wanted = f"{of_route('operation')} of {of_route('api')}"
    return {
        "mappers": [
            _reply(
                'response.code_details == "direct_response" && response.code >= 400',
                of_route("refused"),
                of_route("title"),
                said,
                policy=of_route("policy"),
            ),
            _reply(
                # no token at all is no mistake of a token's: no error code (RFC 6750, section 3.1)
                'response.code_details.contains("Jwt_is_missing")',
                Refusal.UNAUTHENTICATED,
                "There is no access token",
                f"{wanted} is for those who show who they are. Send the header Authorization: Bearer TOKEN, with a "
                "token of an issuer that the policies name, for the audience that they name.",
                realm,
            ),
            _reply(
                'response.code_details.startsWith("jwt_authn")',
                Refusal.UNAUTHENTICATED,
                "The access token cannot be used",
                "%LOCAL_REPLY_BODY%. Send a bearer token of an issuer that the policies name, for the audience that "
                "they name, that has not expired.",
                token,
            ),
            _reply(
                _denied(Refusal.UNKNOWN_CONSUMER),
                Refusal.UNKNOWN_CONSUMER,
                "The policies know no such consumer",
                f"The token is good, and no consumer in the policies is the client {_CALLED} of the issuer "
                f"%REQ({ISSUER})%.",
                token,
            ),
            _reply(
                _denied(Refusal.CREDENTIAL_EXPIRED),
                Refusal.CREDENTIAL_EXPIRED,
                "The consumer's credential has expired",
                f"The policies let the client {_CALLED} call until a day that is over. Its owner renews the credential "
                "there.",
                token,
            ),
            _reply(
                _denied(Refusal.SCOPE_MISSING),
                Refusal.SCOPE_MISSING,
                f"The scope {scope} is missing",
                f"{wanted} wants the scope {scope}, and the client {_CALLED} has no live grant of it in the policies, "
                "or its token does not name it.",
                lacking,
            ),
            _reply(
                # anything else that a filter for callers says, and what it could not decide
                'response.code_details.startsWith("rbac")',
                Refusal.UNAUTHENTICATED,
                "The gateway cannot tell who calls",
                "No issuer of tokens that the policies name can be used now.",
                token,
            ),
            _reply(
                "response.code == 429",
                Refusal.THROTTLED,
                "Too many calls",
                f"{wanted} was called too often: the throttle of the %RESP({THROTTLED})% is used up. Retry-After says "
                "when there is room again.",
            ),
            _reply(
                "response.code >= 500",
                Refusal.UPSTREAM_UNAVAILABLE,
                "What stands behind the gateway does not answer",
                f"{of_route('api')}: %LOCAL_REPLY_BODY%",
                flags="%RESPONSE_FLAGS%",
                keep_status=True,
            ),
            _reply(
                "response.code >= 400",
                Refusal.BAD_REQUEST,
                "The gateway cannot take this call",
                "It cannot be read safely (%RESPONSE_CODE_DETAILS%), and went no further. Paths with an escaped slash "
                "(%%2F) or an escaped backslash, headers with an underscore in their name, and what is no HTTP are not "
                "taken.",
                keep_status=True,
            ),
        ]
    }


def _denied(why: Refusal) -> str:
    return f'response.code_details.contains("[{why}]")'


def _reply(
    when: str,
    why: Refusal | str,
    title: str,
    detail: str,
    challenge: str | None = None,
    *,
    keep_status: bool = False,
    **more: str,
) -> Message:
    filled = {
        "type": f"{PROBLEM}{why}",
        "title": title,
        "status": "%RESPONSE_CODE%",
        "detail": detail,
        "instance": "urn:uuid:%REQ(X-REQUEST-ID)%",
        "api": of_route("api"),
        "version": of_route("version"),
        "operation": of_route("operation"),
        "scope": of_route("scope"),
        "client_id": _CALLED,
        **more,
    }
    headers = [written(GATEWAY, "refused"), written(REFUSAL, str(why))]
    if challenge is not None:
        headers.append(written("www-authenticate", challenge))
    fixed = {"status_code": STATUS[why]} if isinstance(why, Refusal) and not keep_status else {}
    return {
        "filter": {
            "extension_filter": extension(
                "when", "extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=when
            )
        },
        "headers_to_add": headers,
        "body_format_override": {"json_format": filled, "content_type": _MEDIA, "omit_empty_values": True},
        **fixed,
    }
