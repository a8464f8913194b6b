"""What stands behind the gateway, as Envoy knows it: a cluster for each address."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

from hub.dataplane.blueprint import Target
from hub.dataplane.vocabulary import Message, typed

_CONNECT_WITHIN = "3s"
_IDLE = "3s"
"""Sooner than servers usually close what nobody uses: a call on a connection that closes just then is lost, and nobody
knows whether it arrived."""


def cluster_of(target: Target) -> str:
    """The name of the cluster of a target: where it is."""
    parts = urlsplit(target.url)
    return f"{parts.scheme}://{parts.netloc}"


def clusters(targets: Iterable[Target]) -> list[Message]:
    """The clusters of targets, each once."""
    return [_cluster(name, each) for name, each in sorted({cluster_of(each): each for each in targets}.items())]


def _cluster(name: str, target: Target) -> Message:
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found: Message = {
        "name": name,
        "type": "STATIC" if _is_address(host) else "STRICT_DNS",
        "connect_timeout": _CONNECT_WITHIN,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}]}
            ],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": _IDLE},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }
    if parts.scheme == "https":
        found["transport_socket"] = _tls(host, target.fingerprint)
    return found


def _tls(host: str, fingerprint: str | None) -> Message:
    if fingerprint is not None:
        validation: Message = {"verify_certificate_hash": [fingerprint], "trust_chain_verification": "ACCEPT_UNTRUSTED"}
    else:
        validation = {
            "trusted_ca": {"filename": ssl.get_default_verify_paths().openssl_cafile},
            "match_typed_subject_alt_names": [
                {"san_type": "IP_ADDRESS" if _is_address(host) else "DNS", "matcher": {"exact": host}}
            ],
        }
    return {
        "name": "tls",
        "typed_config": typed(
            "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            **({} if _is_address(host) else {"sni": host}),
            common_tls_context={"validation_context": validation},
        ),
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
