"""What Envoy is started with: one listener whose routes, filters and clusters come from files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hub.dataplane.refusals import local_replies
from hub.dataplane.routes import NAME
from hub.dataplane.throttle_filters import Side, telling
from hub.dataplane.vocabulary import (
    CLIENT,
    INNER,
    ISSUER,
    KIND,
    NEEDS,
    REFUSAL,
    SCOPES,
    TRANSACTION,
    Message,
    extension,
    first_of_token,
    mutation,
    of_route,
    of_token,
    typed,
    written,
)

TOKENS, CALLERS, GRANTED = "andon-tokens", "andon-callers", "andon-scopes"
CONSUMERS, APIS = "andon-consumer-throttles", "andon-api-throttles"
FILTERS: Mapping[str, str] = {
    TOKENS: "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
    CALLERS: "extensions.filters.http.rbac.v3.RBAC",
    GRANTED: "extensions.filters.http.rbac.v3.RBAC",
    CONSUMERS: "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    APIS: "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
}
"""The filters that policies make, in the order of a call, and what each is."""
CLUSTERS, ROUTES = "clusters", "routes"
STAT = "andon"

_LIFE = ("deprecation", "sunset", "link")
_ORDERS = tuple(
    f"x-envoy-{each}"
    for each in (
        *("retry-on", "retry-grpc-on", "max-retries", "retriable-status-codes", "retriable-header-names"),
        *("upstream-rq-timeout-ms", "upstream-rq-per-try-timeout-ms", "upstream-rq-timeout-alt-response"),
        *(
            "expected-rq-timeout-ms",
            "hedge-on-per-try-timeout",
            "upstream-alt-stat-name",
            "upstream-stream-duration-ms",
        ),
        *("original-path", "original-host", "decorator-operation", "force-trace", "ip-tags"),
    )
)
"""Headers by which Envoy takes orders from callers: to repeat a call, say. Nothing is ever sent twice here."""
_PROGRAMS = {f"re2.max_program_size.{each}_level": 1_000_000 for each in ("warn", "error")}


class Listening(Struct, frozen=True, kw_only=True):
    """Where the gateway is.

    Attributes:
        gateway: its name.
        port: 0 takes a free one.
        admin: the socket of Envoy's own administration.
        log: the file of the access log.
        certificate, key: files, PEM; None serves plain HTTP.
    """

    gateway: str
    host: str
    port: int
    admin: Path
    log: Path
    certificate: Path | None = None
    key: Path | None = None


def bootstrap(where: Listening, folder: Path) -> Message:
    """The configuration that a running gateway has: everything from policies is read from files below ``folder``."""
    filters = {name: _discovered(name, kind, folder) for name, kind in FILTERS.items()}
    routes = {"rds": {"route_config_name": NAME, "config_source": _from_file(folder, ROUTES)}}
    return {
        **_process(where),
        "dynamic_resources": {"cds_config": _from_file(folder, CLUSTERS)},
        "static_resources": {"listeners": [_listener(where, filters, routes)]},
    }


def fixed(where: Listening, clusters: list[Message], routes: Message, filters: Mapping[str, Message]) -> Message:
    """The same with everything in it, for Envoy to check; nothing listens."""
    inside = {name: {"name": name, "typed_config": filters[name]} for name in FILTERS}
    return {
        **_process(where),
        "static_resources": {"clusters": clusters, "listeners": [_listener(where, inside, {"route_config": routes})]},
    }


def file_of(folder: Path, name: str) -> Path:
    """Where a resource is read from. Each has a folder to itself: what is renamed into one has all of it read again."""
    return folder / name / f"{name}.json"


def _process(where: Listening) -> Message:
    return {
        "node": {"id": where.gateway, "cluster": "andon"},
        "admin": {"address": {"pipe": {"path": str(where.admin), "mode": 0o600}}},
        "overload_manager": {
            "resource_monitors": [
                extension(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=10_000,
                )
            ]
        },
        # Envoy refuses expressions of some hundred characters unless told. Ours are templates of paths, which have no
        # repetition but one over a segment, and are matched in one pass over the path.
        "layered_runtime": {"layers": [{"name": "paths", "static_layer": _PROGRAMS}]},
    }


def _from_file(folder: Path, name: str) -> Message:
    return {"path_config_source": {"path": str(file_of(folder, name))}, "resource_api_version": "V3"}


def _discovered(name: str, kind: str, folder: Path) -> Message:
    return {
        "name": name,
        "config_discovery": {
            "config_source": _from_file(folder, name),
            "type_urls": [f"type.googleapis.com/envoy.{kind}"],
        },
    }


def _listener(where: Listening, filters: Mapping[str, Message], routes: Message) -> Message:
    manager = extension(
        "http",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=STAT,
        normalize_path=True,
        merge_slashes=True,
        # what the gateway reads as one segment nobody behind it may read as two
        path_with_escaped_slashes_action="REJECT_REQUEST",
        use_remote_address=True,
        server_name="andon",
        stream_idle_timeout="120s",
        request_headers_timeout="10s",
        common_http_protocol_options={"headers_with_underscores_action": "REJECT_REQUEST"},
        access_log=[_access_log(where.log)],
        local_reply_config=local_replies(where.gateway),
        http_filters=[
            _arrival(),
            filters[TOKENS],
            _identity(),
            filters[CALLERS],
            filters[GRANTED],
            telling(Side.CONSUMER),
            filters[CONSUMERS],
            telling(Side.API),
            filters[APIS],
            extension("router", "extensions.filters.http.router.v3.Router"),
        ],
        **routes,
    )
    return {
        "name": "gateway",
        "address": {"socket_address": {"address": where.host, "port_value": where.port}},
        "filter_chains": [{"filters": [manager], **_tls(where)}],
        "per_connection_buffer_limit_bytes": 1 << 20,
    }


def _arrival() -> Message:
    """What a call says in the gateway's own name is forgotten first; what every answer says of a version's life is
    written last."""
    return mutation(
        "andon-arrival",
        [
            *({"remove": name} for name in (*INNER, CLIENT, ISSUER, *_ORDERS)),
            {"append": written(KIND, of_route("kind"))},
            {"append": written(NEEDS, of_route("needs"))},
        ],
        [{"append": written(name, of_route(name))} for name in _LIFE],
    )


def _identity() -> Message:
    """Who calls, as the token says it: the client (RFC 9068), or what issuers call it that do not follow that."""
    return mutation(
        "andon-identity",
        [
            {"append": written(CLIENT, first_of_token("client_id", "azp", "sub"))},
            {"append": written(ISSUER, of_token("iss"))},
            {"append": written(SCOPES, f"- {of_token('scope')} -")},
        ],
    )


def _access_log(file: Path) -> Message:
    return extension(
        "file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=str(file),
        log_format={
            "json_format": {
                "at": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
                "ms": "%DURATION%",
                "client": f"%REQ({CLIENT})%",
                "issuer": of_token("iss"),
                "api": of_route("api"),
                "version": of_route("version"),
                "operation": of_route("operation"),
                "scope": of_route("scope"),
                "method": "%REQ(:METHOD)%",
                "path": "%PATH(NQ)%",
                "status": "%RESPONSE_CODE%",
                "flags": "%RESPONSE_FLAGS%",
                "detail": "%RESPONSE_CODE_DETAILS%",
                "refused": f"%RESP({REFUSAL})%",
                "request_id": "%REQ(X-REQUEST-ID)%",
                "tx": f"%REQ({TRANSACTION})%",
                "bytes_in": "%BYTES_RECEIVED%",
                "bytes_out": "%BYTES_SENT%",
            }
        },
    )


def _tls(where: Listening) -> Message:
    if where.certificate is None:
        return {}
    pair = {
        "certificate_chain": {"filename": str(where.certificate)},
        "private_key": {"filename": str(where.key or where.certificate)},
    }
    context = typed(
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext", common_tls_context={"tls_certificates": [pair]}
    )
    return {"transport_socket": {"name": "tls", "typed_config": context}}
