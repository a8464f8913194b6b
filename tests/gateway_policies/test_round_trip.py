"""What is written is what is loaded again, whatever the policies are."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from policy_strategies import policy_sets

from gateway_policies.loading import load
from gateway_policies.model import PolicySet
from gateway_policies.writing.files import texts, write
from gateway_policies.writing.layout import laid_out

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(policy_sets())
@FEW
def test_loading_what_was_written_gives_the_same(policies: PolicySet) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(policies, Path(folder))
        loaded = load(Path(folder))
        assert loaded.findings == []
        assert loaded.policies == policies
        assert list(loaded.policies.resources) == list(policies.resources)


@given(policy_sets())
@FEW
def test_writing_what_was_loaded_gives_the_same_files(policies: PolicySet) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(policies, Path(folder))
        again = load(Path(folder)).policies
        assert again is not None
        assert texts(again) == texts(policies)


@given(policy_sets())
@FEW
def test_what_is_written_is_in_the_layout(policies: PolicySet) -> None:
    for file, text in texts(policies).items():
        assert laid_out(text) == text, file


@given(policy_sets())
@FEW
def test_every_resource_has_a_place_in_a_file_of_its_own_kind(policies: PolicySet) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = write(policies, Path(folder))
        places = load(Path(folder)).places
        for address in policies.resources:
            place = places.of(address)
            assert place is not None, address
            lines = (Path(folder) / place.file).read_text(encoding="utf-8").split("\n")
            assert lines[place.line - 1][place.column - 1] == "[" or "=" in lines[place.line - 1]
        assert places.of("api.no-such") is None
        assert len(written) == len(set(written))
