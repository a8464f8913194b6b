"""Whether a session goes on by itself when its token ends, so that people are told in time where it does not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from platforms.bearer import Fixed
from platforms.contexts import Resolved
from platforms.signin.entries import Entry, Key
from platforms.signin.renewal import Renewed
from transactions.clock import SystemClock

HUB = "http://127.0.0.1:8470"
RESOLVED = Resolved(
    name="night",
    platform="hub",
    url=HUB,
    production=False,
    read_only=False,
    colour=None,
    ca=None,
    chosen_by="a test",
    token="t",
    token_from="a test",
)


@pytest.mark.parametrize(
    ("key", "entry", "renews"),
    [
        (Key(origin=HUB), Entry(access_token="t"), False),
        (Key(origin=HUB), Entry(access_token="t", refresh_token="r"), True),
        (Key(origin=HUB, client_id="robot"), None, True),
        (Key(origin=HUB), None, False),
    ],
    ids=["pasted", "with a refresh token", "a machine's", "none"],
)
def test_what_can_be_renewed_says_so(key: Key, entry: Entry | None, renews: bool, tmp_path: Path) -> None:
    tokens = Renewed(key, entry, None, tmp_path / "lock", lambda before: before, SystemClock())
    assert tokens.renews is renews
    context = msgspec.structs.replace(RESOLVED, tokens=tokens)
    assert context.renews is renews
    assert context.looks_again, "a new sign-in is taken up, whatever can be renewed"


def test_a_token_from_the_environment_stays_what_it_is() -> None:
    assert not RESOLVED.renews
    assert not RESOLVED.looks_again
    assert not Fixed("t").renews
