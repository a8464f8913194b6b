"""No secret is in a plan: not a new one, not an old one, and nothing else is hidden because it is like one."""

from __future__ import annotations

import pytest
from gateway_doubles import NOW, replaced, state_of
from plant_doubles import MES3, ORDERS, by_id, only_change, plan, plant

from gateway_policies.model import Consumer, Credential, Resource
from gateway_policies.planning.applying import apply_changes
from gateway_policies.planning.model import Guard, Plan
from gateway_policies.planning.saved import to_bytes
from gateway_policies.planning.undoing import inverse
from gateway_policies.rendering.plan_findings import plan_findings
from gateway_policies.rendering.plan_markdown import plan_markdown
from gateway_policies.rendering.plan_text import plan_lines


def with_secret(secret: str | None) -> dict[str, Resource]:
    found = plant()
    consumer = found[MES3]
    assert isinstance(consumer, Consumer)
    assert consumer.credential is not None
    found[MES3] = replaced(consumer, credential=replaced(consumer.credential, secret=secret))  # type: ignore[arg-type]
    return found


def everything(found: Plan) -> str:
    return "\n".join(
        [
            to_bytes(found).decode(),
            plan_markdown(found),
            *(each.text for each in plan_lines(found, verbose=True)),
            *(str(each) for each in plan_findings(found)),
        ]
    )


@pytest.mark.parametrize("secret", ["hunter2-of-the-plant", "s3", "a"])
def test_an_old_secret_at_the_gateway_is_never_told(secret: str) -> None:
    live = with_secret(secret)
    for state in (state_of(live), state_of(live, applied=plant()), state_of(live, applied=with_secret("other"))):
        found = plan(with_secret("env:MES_SECRET"), state)
        (field,) = only_change(found).fields
        assert (field.field, field.before, field.after) == ("credential.secret", "(hidden)", "env:MES_SECRET")
        if len(secret) > 2:
            assert secret not in everything(found)
        # A short secret must not take every letter like it out of everything else.
        assert "orders.release" in to_bytes(plan({}, state)).decode()


def test_what_it_is_instead_is_applied_and_undoing_says_what_is_lost() -> None:
    state = state_of(with_secret("hunter2-of-the-plant"))
    found = plan(with_secret("env:MES_SECRET"), state)
    assert "which nobody kept" in only_change(found).inverse.summary
    after = apply_changes(state, found)
    assert after.live == with_secret("env:MES_SECRET")
    back = only_change(inverse(found, after, made_at=NOW))
    assert [each.guard for each in back.blockers] == [Guard.SECRET]


def test_a_secret_in_the_files_themselves_is_refused_and_not_told() -> None:
    found = plan(with_secret("hunter2-of-the-plant"))
    assert [each.guard for each in only_change(found).blockers] == [Guard.SECRET]
    assert "hunter2-of-the-plant" not in everything(found)


def test_two_secrets_that_differ_are_a_difference_all_the_same() -> None:
    found = plan(with_secret("new-of-the-plant"), state_of(with_secret("old-of-the-plant")))
    assert len(found.changes) == 1
    assert "of-the-plant" not in everything(found)


@pytest.mark.parametrize(
    ("upstream", "shown"),
    [
        ("https://erp:hunter2@erp.example:8443/api?x=a@b", "https://(hidden)@erp.example:8443/api?x=a@b"),
        ("https://hunter2@erp.example", "https://(hidden)@erp.example"),
        ("https://erp:a@hunter2@erp.example/", "https://(hidden)@erp.example/"),
        ("https://erp:a/hunter2@erp.example/", "https://(hidden)@erp.example/"),
        ("https://erp:?#hunter2@erp.example/", "https://(hidden)@erp.example/"),
    ],
)
def test_a_password_in_a_url_is_hidden_and_the_rest_of_it_is_not(upstream: str, shown: str) -> None:
    live = plant()
    live[ORDERS] = replaced(live[ORDERS], upstream=upstream)
    change = by_id(plan(plant(), state_of(live)))[ORDERS]
    assert change.fields[0].before == shown
    assert "hunter2" not in everything(plan(plant(), state_of(live)))


@pytest.mark.parametrize(
    "upstream", ["https://erp.example/a@b", "system:MES", "https://erp.example:8443/x?y=a@b", "a@b"]
)
def test_an_at_that_is_no_password_stays(upstream: str) -> None:
    files = plant()
    files[ORDERS] = replaced(files[ORDERS], upstream=upstream)
    change = only_change(plan(files))
    assert change.fields[0].after == upstream
    assert not change.blocked


def test_places_of_secrets_are_told() -> None:
    for place in ("env:MES_SECRET", "file:/run/secrets/mes", "keyring:andon/mes-p03"):
        assert place in everything(plan(with_secret(place)))
    assert Credential(issuer="i", client_id="c", secret="env:X").secret == "env:X"
