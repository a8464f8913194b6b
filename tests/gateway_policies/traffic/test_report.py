"""What calls can be added up by."""

from __future__ import annotations

import pytest

from gateway_policies.traffic.report import By, grouping


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("consumer", [By.CONSUMER]),
        ("consumer,api", [By.CONSUMER, By.API]),
        (" api , outcome ", [By.API, By.OUTCOME]),
        ("version", [By.API, By.VERSION]),  # a version is one of an API
        ("operation,api", [By.API, By.OPERATION]),
        ("scope,scope", [By.SCOPE]),
    ],
)
def test_names_are_taken_with_what_they_need(text: str, by: list[By]) -> None:
    assert grouping(text) == by


@pytest.mark.parametrize("text", ["", "plant", "consumer,", "consumer;api"])
def test_other_names_are_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="is none of consumer, api, version, operation, scope, outcome"):
        grouping(text)
