"""Every kind of change, with what it means: the ids, and the page that lists them.

The ids are those of oasdiff where it has the same change: people know them, and search for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from gateway_policies.contracts.change import Level


class Effect(StrEnum):
    """What a change of a schema does to the documents that are valid."""

    NARROWS = "narrows"
    WIDENS = "widens"
    EITHER = "either"
    BREAKS = "breaks"
    TELLS = "tells"
    VAGUE = "vague"


_BOUNDS: Final = {
    "minimum": ("min", "minimum"),
    "maximum": ("max", "maximum"),
    "minLength": ("min-length", "shortest length"),
    "maxLength": ("max-length", "longest length"),
    "minItems": ("min-items", "least number of items"),
    "maxItems": ("max-items", "largest number of items"),
    "minProperties": ("min-properties", "least number of properties"),
    "maxProperties": ("max-properties", "largest number of properties"),
}
"""Keywords of bounds: what ids have, and what messages have."""

BOUNDS: Final = _BOUNDS


def _bounds() -> Iterator[tuple[str, tuple[Effect, str]]]:
    for keyword, (stem, words) in _BOUNDS.items():
        tighter, looser = ("increased", "decreased") if keyword.startswith("min") else ("decreased", "increased")
        yield f"{stem}-set", (Effect.NARROWS, f"A {words} where there was none.")
        yield f"{stem}-{tighter}", (Effect.NARROWS, f"The {words} is {tighter}.")
        yield f"{stem}-{looser}", (Effect.WIDENS, f"The {words} is {looser}.")
        yield f"{stem}-removed", (Effect.WIDENS, f"No {words} any more.")


SCHEMA: Final[dict[str, tuple[Effect, str]]] = {
    "type-changed": (Effect.BREAKS, "Another type: some of the old values are not of it, some of the new were not."),
    "type-specialized": (Effect.NARROWS, "Fewer types, or integers where there were numbers."),
    "type-generalized": (Effect.WIDENS, "More types, or numbers where there were integers."),
    "became-not-nullable": (Effect.NARROWS, "No null any more."),
    "became-nullable": (Effect.WIDENS, "Null as well."),
    "became-enum": (Effect.NARROWS, "Only listed values."),
    "no-longer-enum": (Effect.WIDENS, "Any value, not only listed ones."),
    "enum-value-removed": (Effect.NARROWS, "A listed value is gone."),
    "enum-value-added": (Effect.WIDENS, "A value more in the list."),
    **dict(_bounds()),
    "multiple-of-added": (Effect.NARROWS, "Only multiples of a number."),
    "multiple-of-removed": (Effect.WIDENS, "Not only multiples any more."),
    "multiple-of-changed": (Effect.EITHER, "Multiples of another number."),
    "pattern-added": (Effect.NARROWS, "Only texts that match a pattern."),
    "pattern-removed": (Effect.WIDENS, "No pattern any more."),
    "pattern-changed": (Effect.EITHER, "Another pattern; what both match is compared, not how they are written."),
    "format-added": (Effect.NARROWS, "Only values of a format."),
    "format-removed": (Effect.WIDENS, "No format any more."),
    "format-changed": (Effect.EITHER, "Another format."),
    "unique-items-added": (Effect.NARROWS, "No item twice."),
    "unique-items-removed": (Effect.WIDENS, "Items may repeat."),
    "additional-properties-closed": (Effect.NARROWS, "No properties but those that are named."),
    "additional-properties-opened": (Effect.WIDENS, "Properties that are not named may come."),
    "additional-properties-narrowed": (Effect.NARROWS, "Properties that are not named must be of a schema."),
    "additional-properties-widened": (Effect.WIDENS, "Properties that are not named may be anything."),
    "property-names-narrowed": (Effect.NARROWS, "Fewer names of properties."),
    "property-names-widened": (Effect.WIDENS, "More names of properties."),
    "dependent-required-added": (Effect.NARROWS, "A property must be there when another one is."),
    "dependent-required-removed": (Effect.WIDENS, "A property need no longer be there when another one is."),
    "alternative-removed": (Effect.NARROWS, "One of the schemas of oneOf or anyOf is gone."),
    "alternative-added": (Effect.WIDENS, "One schema more in oneOf or anyOf."),
    "condition-changed": (
        Effect.VAGUE,
        "A condition (not, if, contains, oneOf whose schemas overlap …) that cannot be compared is another one.",
    ),
    "not-compared": (Effect.VAGUE, "The schemas are too large or too deep to be compared here."),
    "discriminator-changed": (Effect.BREAKS, "Another property tells the alternatives apart."),
    "content-encoding-changed": (Effect.BREAKS, "Another encoding of binary content in a text."),
    "content-media-type-changed": (Effect.BREAKS, "Another media type of content in a text."),
    "deprecated": (Effect.TELLS, "Announced to go."),
    "reactivated": (Effect.TELLS, "No longer announced to go."),
}
"""What can change of any schema, by how the ids end."""

PROPERTY: Final[dict[str, tuple[Effect, str]]] = {
    "became-required": (Effect.NARROWS, "It must be there."),
    "became-optional": (Effect.WIDENS, "It may be left out."),
    "constrained": (
        Effect.VAGUE,
        "It is described, and was let through undescribed; whether it was sent is not known.",
    ),
    "unconstrained": (Effect.VAGUE, "It was described, and is let through undescribed."),
    "became-read-only": (Effect.NARROWS, "What is sent of it is no longer taken."),
    "became-not-read-only": (Effect.WIDENS, "It may be sent too."),
    "became-write-only": (Effect.WIDENS, "It is no longer answered."),
    "became-not-write-only": (Effect.NARROWS, "It is answered too."),
}
"""What can change of a property only."""


class Kind(NamedTuple):
    """One kind of change."""

    id: str
    level: str
    words: str


_DIRECTIONS: Final = {
    "request": {Effect.NARROWS: Level.BREAKING, Effect.WIDENS: Level.COMPATIBLE},
    "response": {Effect.NARROWS: Level.COMPATIBLE, Effect.WIDENS: Level.BREAKING},
}
SUBJECTS: Final = {
    "request": ("request-body", "request-parameter", "request-property"),
    "response": ("response-body", "response-header", "response-property"),
}
"""What ids of schemas begin with."""


def _level(effect: Effect, direction: str) -> str:
    found = _DIRECTIONS[direction].get(effect)
    if found is not None:
        return found.value
    return {
        Effect.BREAKS: "breaking",
        Effect.TELLS: "compatible",
        Effect.VAGUE: "undecided",
        Effect.EITHER: "breaking, or compatible when nothing that counts is lost",
    }[effect]


def schema_kinds() -> Iterator[Kind]:
    """Every kind of change of a schema, with what it changes in front."""
    for direction, subjects in SUBJECTS.items():
        for subject in subjects:
            own = PROPERTY if subject.endswith("-property") else {}
            for suffix, (effect, words) in {**SCHEMA, **own, **_defaults(direction)}.items():
                yield Kind(f"{subject}-{suffix}", _level(effect, direction), words)


def _defaults(direction: str) -> dict[str, tuple[Effect, str]]:
    request = direction == "request"
    return {
        "default-value-added": (Effect.VAGUE if request else Effect.TELLS, "What leaving it out means is now said."),
        "default-value-changed": (Effect.BREAKS if request else Effect.TELLS, "Leaving it out means something else."),
        "default-value-removed": (Effect.BREAKS if request else Effect.TELLS, "What leaving it out means is not said."),
    }


def _kinds(level: Level, **words: str) -> Iterator[Kind]:
    return (Kind(name.replace("_", "-"), level.value, text) for name, text in words.items())


PROPERTIES: Final = (
    *_kinds(
        Level.BREAKING,
        new_required_request_property="Callers do not send it yet.",
        request_property_removed="What callers send by this name is no longer read, even where it may pass.",
        response_required_property_removed="Callers read it, and were promised it.",
        response_optional_property_removed="Callers read it where it was there.",
    ),
    *_kinds(
        Level.COMPATIBLE,
        new_optional_request_property="Callers may leave it out. Breaking where others were sent by any name.",
        response_required_property_added="Who does not know it passes it over. Breaking where the schema was closed.",
        response_optional_property_added="Who does not know it passes it over. Breaking where the schema was closed.",
    ),
)

DOCUMENT: Final = (
    *_kinds(
        Level.BREAKING,
        operation_removed="A path, or a method of it, is gone; that it was deprecated is said and changes nothing.",
        server_removed="An address, by which it was called, is gone.",
        server_variable_value_removed="A value in an address is gone.",
        server_variable_default_changed="The address is another one where the variable is left alone.",
        request_parameter_removed="What callers send by this name is no longer read.",
        new_required_request_parameter="Callers do not send it yet.",
        request_parameter_became_required="It must be there.",
        request_parameter_style_changed="Lists and objects in it are written another way.",
        request_parameter_content_changed="It is written by a schema where it was by a media type, or the other way.",
        request_parameter_empty_value_refused="It must have a value.",
        request_body_added_required="Callers do not send one yet.",
        request_body_removed="What callers send is no longer read.",
        request_body_became_required="It must be there.",
        request_media_type_removed="What callers send is no longer of a known type.",
        response_success_status_removed="The status that callers wait for no longer comes.",
        response_media_type_removed="Callers ask for it, and are answered in another one.",
        response_body_removed="Callers read a body that no longer comes.",
        response_header_removed="Callers read it.",
        response_header_became_optional="Callers were promised it.",
        api_security_added="It was open to callers without credentials.",
        api_security_removed="A way to sign in is gone.",
        api_security_scope_added="Tokens need a scope that they did not need.",
        security_scheme_changed="The credentials are given another way.",
        oauth_flow_removed="Callers get their tokens by it.",
        oauth_url_changed="Callers get their tokens there.",
        oauth_scope_removed="Asking for a scope that is not there fails.",
        webhook_removed="Receivers wait for it.",
        callback_removed="Receivers wait for it.",
    ),
    *_kinds(
        Level.UNDECIDED,
        response_success_status_added="Callers may not know what another success means.",
        request_encoding_changed="How parts of a form are written changed.",
        reference_unresolved="A reference leads nowhere, so what it stands for was not compared.",
        path_ambiguous="Two paths differ in the names of their parameters only; which one is meant is not known.",
    ),
    *_kinds(
        Level.COMPATIBLE,
        operation_added="A path more, or a method.",
        operation_deprecated="Announced to go.",
        operation_reactivated="No longer announced to go.",
        operation_id_changed="Generated clients name their methods by it; what is sent is the same.",
        path_parameter_renamed="Only its name in the contract; the path is the same.",
        server_added="An address more.",
        new_optional_request_parameter="Callers may leave it out.",
        request_parameter_became_optional="It may be left out.",
        request_parameter_empty_value_allowed="It may have no value.",
        request_body_added_optional="Callers may leave it out.",
        request_body_became_optional="It may be left out.",
        request_media_type_added="Callers may send another type.",
        response_non_success_status_added="Callers take an unknown status for its class (RFC 9110, 15).",
        response_non_success_status_removed="It no longer comes.",
        response_media_type_added="Only for those who ask for it.",
        response_body_added="Callers that expect none pass it over.",
        response_header_added="Callers that do not know it pass it over.",
        response_header_became_required="It always comes.",
        api_security_relaxed="Fewer credentials or scopes do as well.",
        oauth_scope_added="A scope more to ask for.",
        oauth_flow_added="A way more to get tokens.",
        webhook_added="Only receivers that are set up for it get it.",
        callback_added="Only receivers that ask for it get it.",
    ),
)
"""What can change of an OpenAPI document beside its schemas."""


def kinds() -> dict[str, Kind]:
    """Every kind of change by its id."""
    return {kind.id: kind for kind in (*DOCUMENT, *PROPERTIES, *schema_kinds())}


HELP: Final = {
    Level.BREAKING: "Undo it, or make it in a new version of the API and let callers move.",
    Level.UNDECIDED: "Look at both places and decide; nothing was taken for compatible.",
    Level.COMPATIBLE: "",
}
