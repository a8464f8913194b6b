"""The format of the policy files: what stands in which, and what every key is."""

from __future__ import annotations

from enum import StrEnum

from gateway_policies import durations
from gateway_policies.loading.noise import NoisePattern
from gateway_policies.loading.shapes import Choice, Day, Flag, Moment, Number, Reference, Text
from gateway_policies.loading.tables import Field, Items, Named, Table
from gateway_policies.model import Layer, Lifecycle, PolicySet, Risk, Severity

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_SCOPE = rf"{_NAME}(?:\.{_NAME}){{0,7}}"
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
_PARAMETER = r"\{[A-Za-z_][A-Za-z0-9_-]*\}"
_URL = r"https?://[^\s/?#@\x00-\x1f]+(?:/[^\s?#\x00-\x1f]*)?"
_WORD = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"

_NAMES = "Names are lower case letters, digits and hyphens."

NAME = Text("a name", _NAME, "mes-p03", "bad-name", _NAMES)
SCOPE_NAME = Text("a scope's name", _SCOPE, "orders.release", "bad-name", f"{_NAMES} Dots stand between them.")
SCOPE_GRANTED = Text(
    "a scope's name", rf"\*|{_SCOPE}(?:\.\*)?", "orders.release", "bad-name", f"{_NAMES} Dots stand between them."
)
WORD = Text("a name", _WORD, "ERP", "bad-name", "Letters, digits, hyphens and underscores.")
LINE = Text("a text in one line", r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "erp-integration")
PROSE = Text("a text")
CLIENT = Text("a client's id", r"[^\s\x00-\x1f\x7f]{1,255}", "mes-p03", looks="There are no spaces in it.")
BASE_PATH = Text(
    "a path at the gateway",
    rf"(?:/{_SEGMENT})+",
    "/erp/production-orders",
    looks="It begins with a slash, and ends without.",
)
TEMPLATE = Text(
    "an operation's path",
    rf"/(?:(?:{_SEGMENT}|{_PARAMETER})(?:/(?:{_SEGMENT}|{_PARAMETER}))*)?",
    "/{order}/release",
    looks="It begins with a slash, ends without, and a parameter is a whole segment in braces.",
)
UPSTREAM = Text("system:NAME or a URL", rf"system:{_WORD}|{_URL}", "system:ERP", looks="A URL has no query here.")
ISSUER_URL = Text(
    "hub: or a URL without a query",
    rf"hub:|{_URL}",
    "https://idp.example/realms/plant",
    looks='"hub:" alone is the hub itself.',
)
VERSIONING = Text("path or header:NAME", r"path|header:[A-Za-z0-9][A-Za-z0-9-]*", "header:X-Api-Version")
SPAN = Text("a span of time", durations.PATTERN, "1m", looks="Numbers with the units s, m, h, d or w.", stand_in="1m")
FILE = Text(
    "a file below the policies' folder",
    r"(?!/)(?!(?:.*/)?\.{1,2}(?:/|$))[^\\\x00-\x1f\x7f]*[^\\/\x00-\x1f\x7f]",
    "contracts/production-orders-v1.openapi.json",
    looks="The path is relative to that folder, with forward slashes.",
)
KEY_FILE = Text("a file's path", r"[^\x00-\x1f\x7f]+", "plant-idp.jwks.json")
PATTERN = Text("an address, or a pattern with *", r"[^\s\x00-\x1f\x7f]+", "consumer.mes-p03.*")
NOISE = NoisePattern()
RULE = Text("a rule's id", r"[a-z0-9][a-z0-9-]*", "scope-unused", "bad-name")

PROTECTED = Field(Flag(), "a plan may not delete it", default=False)

API = Table(
    "an API",
    {
        "name": Field(NAME, "what it is called", names=True),
        "owner": Field(LINE, "the team that answers for it", required=True),
        "base_path": Field(BASE_PATH, "where it begins at the gateway", required=True),
        "upstream": Field(UPSTREAM, "what stands behind it", required=True),
        "layer": Field(
            Choice("a layer", Layer),
            "at one system, across systems, or for a use of its own",
            default=Layer.SYSTEM.value,
        ),
        "system": Field(WORD, "whose API it is, as the hub names systems"),
        "description": Field(PROSE, "what it is for"),
        "versioning": Field(VERSIONING, "where a call says which version it means", default="path"),
        "throttle": Field(NAME, "the throttle of the whole API, shared by all of its consumers"),
        "protected": PROTECTED,
    },
    removable=True,
)

BROWNOUT = Table(
    "a brownout",
    {
        "from": Field(Moment(), "from when the version answers as if it were gone", required=True),
        "until": Field(Moment(), "until when", required=True),
    },
)

VERSION = Table(
    "a version",
    {
        "name": Field(NAME, "what it is called", names=True),
        "lifecycle": Field(
            Choice("a stage of life", Lifecycle), "how long it may still be called", default=Lifecycle.DRAFT.value
        ),
        "deprecated_on": Field(Day(), "from when it is announced to go"),
        "sunset_on": Field(Day(), "when it goes"),
        "successor": Field(NAME, "the version to go to"),
        "contract": Field(FILE, "its OpenAPI document, below the policies' folder"),
        "brownout": Field(
            Items(BROWNOUT), "when it answers as if it were gone, so that whoever still calls it notices"
        ),
        "protected": PROTECTED,
    },
    removable=True,
)

OPERATION = Table(
    "an operation",
    {
        "methods": Field(Items(Choice("an HTTP method", METHODS), least=1, once=True), "its HTTP methods", names=True),
        "path": Field(TEMPLATE, "its path below the version", names=True),
        "scope": Field(SCOPE_NAME, "what a token must have; none: any token of a known consumer"),
        "versions": Field(Items(NAME, least=1, once=True), "the versions that have it; all, when absent"),
    },
    removable=True,
)

CREDENTIAL = Table(
    "a credential",
    {
        "issuer": Field(NAME, "who signs its tokens", required=True),
        "client_id": Field(CLIENT, "the client at the issuer", required=True),
        "expires_on": Field(Day(), "until when"),
        "secret": Field(Reference(), "where a secret is that the gateway needs, never the secret"),
    },
)

GRANT = Table(
    "a grant",
    {
        "scope": Field(SCOPE_GRANTED, "the scope", names=True),
        "reason": Field(PROSE, "what it is needed for"),
        "expires_on": Field(Day(), "until when"),
    },
    removable=True,
)

CONSUMER = Table(
    "a consumer",
    {
        "name": Field(NAME, "what it is called", names=True),
        "owner": Field(LINE, "the team that answers for it", required=True),
        "system": Field(WORD, "which system calls"),
        "plant": Field(WORD, "of which plant"),
        "description": Field(PROSE, "what it does"),
        "throttle": Field(NAME, "how much it may call"),
        "credential": Field(CREDENTIAL, "by what it is known"),
        "protected": PROTECTED,
    },
    removable=True,
)

SCOPE = Table(
    "a scope",
    {
        "description": Field(PROSE, "what it allows"),
        "risk": Field(Choice("a risk", Risk), "what a wrong call with it costs", default=Risk.OPERATIONAL.value),
        "owner": Field(LINE, "the team that answers for it"),
        "protected": PROTECTED,
    },
    removable=True,
)

THROTTLE = Table(
    "a throttle",
    {
        "requests": Field(Number(), "the refill: so many requests", required=True),
        "per": Field(SPAN, "in so long a time", required=True),
        "burst": Field(Number(), "how many the bucket holds; as many as requests, when absent"),
        "quota": Field(Number(), "at most so many"),
        "quota_per": Field(SPAN, "in so long a time"),
        "protected": PROTECTED,
    },
    together=("quota", "quota_per"),
    removable=True,
)

ISSUER = Table(
    "an issuer",
    {
        "url": Field(ISSUER_URL, "where its metadata is found (RFC 8414); hub: for the hub's own tokens"),
        "jwks_file": Field(KEY_FILE, "a file of its keys (RFC 7517)"),
        "audience": Field(CLIENT, "the audience that its tokens must name"),
        "protected": PROTECTED,
    },
    one_of=("url", "jwks_file"),
    removable=True,
)

GATEWAY = Table(
    "the gateway",
    {
        "name": Field(NAME, "the gateway's name", required=True),
        "set": Field(
            NAME, "the name of this set of policies, by which it owns what it applies", default=PolicySet.DEFAULT_NAME
        ),
    },
)

SUPPRESS = Table(
    "a suppression",
    {
        "rule": Field(RULE, "the rule", required=True),
        "address": Field(PATTERN, "at which addresses", required=True),
        "reason": Field(LINE, "why the finding is no concern", required=True),
        "until": Field(Day(), "until the end of which day", required=True),
    },
)

DRIFT = Table(
    "drift",
    {"ignore": Field(Items(NOISE, once=True), "addresses, or address:field, whose drift is nobody's concern")},
)


class Kind(StrEnum):
    """The kinds of files."""

    ANDON = "andon"
    API = "api"
    CONSUMER = "consumer"
    SCOPES = "scopes"
    THROTTLES = "throttles"


FORMATS: dict[Kind, Table] = {
    Kind.ANDON: Table(
        "andon.toml",
        {
            "gateway": Field(GATEWAY, "the gateway that the policies are for", required=True),
            "issuer": Field(Named(NAME, ISSUER), "who signs the access tokens"),
            "lint": Field(Named(RULE, Choice("a severity", Severity)), "severities that differ from the rules' own"),
            "suppress": Field(Items(SUPPRESS), "findings that are known"),
            "drift": Field(DRIFT, "what of the gateway is no drift"),
        },
    ),
    Kind.API: Table(
        "a file in apis",
        {
            "api": Field(API, "the API", names=True),
            "version": Field(Items(VERSION), "its versions"),
            "operation": Field(Items(OPERATION), "what may be called"),
        },
    ),
    Kind.CONSUMER: Table(
        "a file in consumers",
        {
            "consumer": Field(CONSUMER, "the consumer", names=True),
            "grant": Field(Items(GRANT), "what it may use"),
        },
    ),
    Kind.SCOPES: Table("a file of scopes", {"scope": Field(Named(SCOPE_NAME, SCOPE), "the scopes")}),
    Kind.THROTTLES: Table("a file of throttles", {"throttle": Field(Named(NAME, THROTTLE), "the throttles")}),
}

HOME: dict[str, str] = {
    "gateway": "andon.toml",
    "issuer": "andon.toml",
    "lint": "andon.toml",
    "suppress": "andon.toml",
    "drift": "andon.toml",
    "api": "a file in apis/",
    "version": "the file of its API in apis/",
    "operation": "the file of its API in apis/",
    "consumer": "a file in consumers/",
    "grant": "the file of its consumer in consumers/",
    "scope": "scopes.toml",
    "throttle": "throttles.toml",
}
"""Where the tables belong, for whoever put one into another file."""
