"""By what documents relate to each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transactions.history import MASK
from transactions.related import LEADING, relating


def test_the_nearest_relation_comes_first_and_what_is_no_object_relates_nothing() -> None:
    keys = {"material": "M1", "quantity": "10", "item": "10", "lot": "L1", "order": "4711", "customer": "C1"}
    assert relating(keys, []) == ["order", "lot", "material", "customer"]


def test_a_key_that_is_masked_anywhere_relates_nothing() -> None:
    assert relating({"order": "4711", "person": "P7"}, {"person": ["labor-time"]}) == ["order"]
    assert relating({"order": "4711", "lot": MASK, "material": ""}, []) == ["order"]


@given(keys=st.dictionaries(st.sampled_from([*LEADING, "quantity", "version", "zz"]), st.sampled_from(["1", "", MASK])))
def test_only_what_it_has_and_each_once(keys) -> None:
    found = relating(keys, ["material"])
    assert len(found) == len(set(found))
    assert all(keys[name] == "1" for name in found)
    assert not {"material", "quantity", "version"} & set(found)
