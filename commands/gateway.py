"""``andon gateway``: what is live at the gateway, and tokens to try it with; ``andon policy`` changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from commands.app import Noun
from commands.gateway_import import import_log
from commands.gateway_lines import (
    ApiLine,
    ConsumerLine,
    ScopeLine,
    ThrottleLine,
    VersionLine,
    api_lines,
    consumer_lines,
    scope_lines,
    throttle_lines,
    version_lines,
)
from commands.gateway_status import status
from commands.gateway_token import token
from commands.gateway_usage import usage
from commands.output import Column, Listing
from commands.policy_gateway import GatewayOption, gateway_of, refusals
from commands.session import session_of

if TYPE_CHECKING:
    from gateway_policies.state import GatewayState

app = Noun(help="What is live at the gateway: APIs, versions, scopes, consumers, throttles; who calls.")
app.verb("token")(token)

_SET = Column("policy set", lambda each, _: each.policy_set or "by hand", give=1)
APIS: tuple[Column, ...] = (
    Column("api", lambda a, _: a.name),
    Column("base path", lambda a, _: a.base_path, give=1),
    Column("upstream", lambda a, _: a.upstream, give=2),
    Column("versions", lambda a, _: ", ".join(a.versions), give=2),
    Column("calls", lambda a, _: str(a.operations), right=True),
    Column("throttle", lambda a, _: a.throttle or "", give=2),
    Column("owner", lambda a, _: a.owner, give=3),
    _SET,
)
_LAMPS = {"deprecated": "yellow", "brownout": "yellow", "retired": "dim", "draft": "dim"}
VERSIONS: tuple[Column, ...] = (
    Column("api", lambda v, _: v.api),
    Column("version", lambda v, _: v.name),
    Column("lifecycle", lambda v, _: v.lifecycle, style=lambda v: _LAMPS.get(v.lifecycle)),
    Column("deprecated", lambda v, _: str(v.deprecated_on or "")),
    Column("sunset", lambda v, _: str(v.sunset_on or "")),
    Column("successor", lambda v, _: v.successor or ""),
    _SET,
)
SCOPES: tuple[Column, ...] = (
    Column("scope", lambda s, _: s.name),
    Column("risk", lambda s, _: s.risk, style=lambda s: "yellow" if s.risk in ("quality", "financial") else None),
    Column("apis", lambda s, _: ", ".join(s.apis), give=2),
    Column("consumers", lambda s, _: ", ".join(s.consumers), give=3),
    Column("description", lambda s, _: s.description, give=4),
    _SET,
)
CONSUMERS: tuple[Column, ...] = (
    Column("consumer", lambda c, _: c.name),
    Column("system", lambda c, _: c.system or ""),
    Column("plant", lambda c, _: c.plant or ""),
    Column("client", lambda c, _: c.client_id or "", give=2),
    Column("until", lambda c, _: str(c.expires_on or "")),
    Column("throttle", lambda c, _: c.throttle or "", give=1),
    Column("scopes", lambda c, _: ", ".join(c.scopes), give=3),
    _SET,
)
THROTTLES: tuple[Column, ...] = (
    Column("throttle", lambda t, _: t.name),
    Column("rate", lambda t, _: f"{t.requests:,} in {t.per_seconds:,} s", right=True),
    Column("burst", lambda t, _: f"{t.burst:,}", right=True),
    Column("quota", lambda t, _: "" if t.quota is None else f"{t.quota:,} in {t.quota_per_seconds:,} s", right=True),
    Column("holds", lambda t, _: ", ".join(t.holds), give=3),
    _SET,
)


@app.verb()
def apis(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The APIs: where they are called, what stands behind them, their versions."""
    _show(ctx, gateway, ApiLine, api_lines, APIS, "APIs", lambda each: each.name)


@app.verb()
def versions(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The versions of the APIs, and when they go."""
    _show(
        ctx, gateway, VersionLine, version_lines, VERSIONS, "versions", lambda each: f"{each.api}.version.{each.name}"
    )


@app.verb()
def scopes(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The scopes: what a wrong call costs, which APIs want them, and who has them."""
    _show(ctx, gateway, ScopeLine, scope_lines, SCOPES, "scopes", lambda each: each.name)


@app.verb()
def consumers(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The consumers: by what they are known, until when, and what they may."""
    _show(ctx, gateway, ConsumerLine, consumer_lines, CONSUMERS, "consumers", lambda each: each.name)


@app.verb()
def throttles(ctx: typer.Context, gateway: GatewayOption = None) -> None:
    """The throttles, and whom they hold."""
    _show(ctx, gateway, ThrottleLine, throttle_lines, THROTTLES, "throttles", lambda each: each.name)


app.verb("usage")(usage)
app.verb("import")(import_log)
app.verb("status")(status)


def _show(
    ctx: typer.Context,
    named: str | None,
    of: Any,
    lines: Callable[[GatewayState], Sequence[Any]],
    columns: tuple[Column, ...],
    plural: str,
    identify: Callable[[Any], str],
) -> None:
    session = session_of(ctx)
    from gateway_policies.model import PolicySet

    with refusals():
        state = gateway_of(session, named, "").state(PolicySet.DEFAULT_NAME)
    session.show(
        Listing(
            of=of,
            items=list(lines(state)),
            columns=columns,
            empty=f"The gateway has no {plural}.",
            identify=identify,
            next_cursor=None,
        )
    )
