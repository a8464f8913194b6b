"""Findings as people read them."""

from __future__ import annotations

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.places import Place
from gateway_policies.rendering.finding_text import render_text
from gateway_policies.rendering.finding_words import summary


def finding(**more: object) -> Finding:
    said: dict[str, object] = {
        "rule": "grant-reason",
        "severity": Severity.WARNING,
        "message": "consumer.mes-p03.grant.orders.read has no reason.",
        "address": "consumer.mes-p03.grant.orders.read",
        "place": Place("consumers/mes-p03.toml", 12, 1),
        "help": "Say with reason what it is needed for.",
    }
    return Finding(**{**said, **more})  # type: ignore[arg-type]


def test_each_file_is_a_paragraph_and_advice_is_given_once() -> None:
    second = finding(place=Place("consumers/mes-p03.toml", 20, 3), message="Another one.")
    third = finding(place=Place("consumers/wms.toml", 1, 1), severity=Severity.ERROR, message="A third one.")
    assert render_text([finding(), second, third], prefix="policies") == (
        "policies/consumers/mes-p03.toml:12:1: warning grant-reason\n"
        "    consumer.mes-p03.grant.orders.read has no reason.\n"
        "    Say with reason what it is needed for.\n"
        "policies/consumers/mes-p03.toml:20:3: warning grant-reason\n"
        "    Another one.\n"
        "\n"
        "policies/consumers/wms.toml:1:1: error grant-reason\n"
        "    A third one.\n"
        "\n"
        "1 error and 2 warnings in 2 files.\n"
    )


def test_it_fits_the_width_and_breaks_no_address() -> None:
    address = "consumer." + "a-" * 60 + "z"
    text = render_text([finding(message=f"{'word ' * 40}{address} has no reason.")], width=80)
    assert all(len(line) <= 80 or address in line for line in text.splitlines())
    assert any(line.strip() == address for line in text.splitlines())


def test_without_a_place_and_without_findings() -> None:
    assert render_text([finding(place=None, help="")]).splitlines()[0] == "warning grant-reason"
    assert render_text([]) == "Nothing found.\n"
    assert render_text([], suppressed=2) == "Nothing found; 2 suppressed.\n"
    assert summary([finding(place=None)]) == "1 warning."


def test_colours_and_cleaning_are_the_callers() -> None:
    text = render_text(
        [finding(message="Bad \x1b name.")],
        paint=lambda said, colour: f"<{colour}>{said}</>",
        clean=lambda said: said.replace("\x1b", "^"),
    )
    assert "<yellow>warning</> <bold>grant-reason</>" in text
    assert "Bad ^ name." in text
    assert "\x1b" not in text
