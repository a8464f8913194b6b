"""Correct: what was posted is reversed first, then the right thing is posted under a key of its own, and never both."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from sqlalchemy import select

from hub.recovery import building
from hub.store.schema import transactions
from transactions.edits import Step
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, PlanOptions, PlanRequest

RIGHT = [Step(op="set", path="$.quantity", value="5000", loose=True)]


def test_a_correction_says_what_is_right(bench_landscape=None) -> None:
    from hub.recovery.actions.correct import Correct

    with pytest.raises(Invalid, match="what is right"):
        Correct().check(PlanRequest(action=Action.CORRECT, reason="r", ids=["a"]))
    with pytest.raises(Invalid, match="calendar"):
        Correct().check(
            PlanRequest(action=Action.CORRECT, reason="r", ids=["a"], options=PlanOptions(date="2026-02-30", patch=RIGHT))
        )


def test_a_patch_belongs_to_edit_and_correct(catalogue) -> None:
    from hub.landscape import Landscape

    request = PlanRequest(action=Action.REPLAY, reason="r", ids=["a"], options=PlanOptions(patch=RIGHT))
    with pytest.raises(Invalid, match="patch cannot be given with replay"):
        building.check_request(request, Landscape(catalogue))
