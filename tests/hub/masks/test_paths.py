"""Which keys lead to what is masked."""

from __future__ import annotations

import pytest

from hub.masks.paths import json_covers, json_pattern, last_names, xml_covers, xml_pattern


@pytest.mark.parametrize(
    ("mask", "key"),
    [
        ("$.a.b", "$.a.b"),
        ("$.a", "$.a.b.c"),
        ("$", "$.a"),
        ("$.a[*].p", "$.a[0].p"),
        ("$.a[*]", "$.a[0].p"),
        ("$.a[-1].p", "$.a[3].p"),
        ("$.a[?@.x==1].p", "$.a[0].p"),
        ("$.a[0:2]", "$.a[1]"),
        ("$..p", "$.a[0].p"),
        ("$..a.p", "$.x.a.p"),
        ("$.a.p", "$..p"),
        ("$.a.b", "$..b.c"),
        ("$.a['b','c']", "$.a.c"),
        ("$.*", "$.a"),
        ("$['a']", "$.a"),
    ],
)
def test_a_json_path_that_finds_what_is_masked(mask: str, key: str) -> None:
    assert json_covers(mask, key)


@pytest.mark.parametrize(
    ("mask", "key"),
    [
        ("$.a.b", "$.a.c"),
        ("$.a.b", "$.a"),
        ("$.a[0].p", "$.a[1].p"),
        ("$.a[*].p", "$.a[0].q"),
        ("$.a[0]", "$.a.b"),
        ("$..p", "$.a.q"),
        ("$..a.p", "$.p"),
        ("$.customer", "$..order"),
    ],
)
def test_a_json_path_that_does_not(mask: str, key: str) -> None:
    assert not json_covers(mask, key)


@pytest.mark.parametrize(
    ("mask", "key"),
    [
        ("//Customer/Name", "//Customer/Name"),
        ("//Customer", "//Customer/Name"),
        ("//Customer", "//Customer//Name"),
        ("//Customer", "//Customer/@id"),
        ("//Customer/Name", "//Customer"),
        ("//Customer/Name", "//Name"),
        ("/Doc/Customer/Name", "//Name"),
        ("/Doc/Customer", "//Customer/Name"),
        ("//Item/@price", "//Item/@price"),
        ("//@price", "//Item/@price"),
        ("//Item[@kind='x']/Price", "//Item[1]/Price"),
        ("Customer/Name", "/Doc/Customer/Name"),
        ("//Customer/Name", "//Customer/Name/text()"),
        ("//Customer/Name", "//Order | //Customer/Name"),
        ("//Customer/Name", "concat(//Order, '-')"),
        ("//Customer/*", "//Customer/Name"),
    ],
)
def test_an_xpath_that_finds_what_is_masked(mask: str, key: str) -> None:
    assert xml_covers(mask, key)


@pytest.mark.parametrize(
    ("mask", "key"),
    [
        ("//Customer/Name", "//Order"),
        ("//Customer", "//Order/ID"),
        ("//Customer/Name", "//Supplier/Name"),
        ("//Item/@price", "//Item/@id"),
        ("//Item/@price", "//Item"),
        ("//Item/@price", "//Item/price"),
        ("//Notes", "//OperationsRequest/ID"),
        ("/Doc/Customer/Name", "/Doc/Order/Name"),
        ("/Doc//Price", "/Doc/Order/ID"),
    ],
)
def test_an_xpath_that_does_not(mask: str, key: str) -> None:
    assert not xml_covers(mask, key)


@pytest.mark.parametrize(
    "path", ["//a/text()", "count(//a)", "//a | //b", "//a/..", "ancestor::a", "//@a/b", "//a]", "//a['x]", "'a'", ""]
)
def test_an_xpath_that_leads_to_no_field_has_no_pattern(path: str) -> None:
    assert xml_pattern(path) is None


def test_the_name_of_a_field_is_the_last_that_its_path_names() -> None:
    assert last_names(json_pattern("$.a.b")) == {"b"}
    assert last_names(json_pattern("$.a[*]")) == {"a"}
    assert last_names(json_pattern("$.a['b','c']")) == {"b", "c"}
    assert last_names(json_pattern("$.*")) == frozenset()
    assert last_names(xml_pattern("//a/@b") or ()) == {"b"}
    assert last_names(xml_pattern("//a/*") or ()) == {"a"}
