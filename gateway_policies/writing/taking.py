"""What moved at the gateway, taken into the files: changes of what they say, with all else in them as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gateway_policies.findings import Finding
from gateway_policies.loading import Loaded, environments_of
from gateway_policies.loading.fields import head_of
from gateway_policies.loading.folder import ENVIRONMENTS, Listing, content_of
from gateway_policies.loading.formats import Kind
from gateway_policies.loading.overlays import heads_of, identity
from gateway_policies.loading.syntax import parse
from gateway_policies.model import Api, Consumer, Resource, Throttle, Version
from gateway_policies.planning.drift import How, drift_of
from gateway_policies.planning.facets import facets, span
from gateway_policies.planning.model import FieldChange, Moved
from gateway_policies.planning.threeway import Noise, compare
from gateway_policies.references import references
from gateway_policies.state import GatewayState
from gateway_policies.writing.edits import CannotEdit, Edits
from gateway_policies.writing.exporting import SECRET, Left, describable, writable
from gateway_policies.writing.operations import take_operations


class Taken(Struct, frozen=True, kw_only=True):
    """What came of it; nothing has been written.

    Attributes:
        changed: the new text of every file that changes, by its path below the folder; None for one that goes away.
        before: what each of these says now; None for one that is new.
        taken: the addresses whose drift is in the files then.
    """

    changed: dict[str, str | None]
    before: dict[str, str | None]
    taken: list[str]
    left: list[Left]


def take_live(folder: Path, loaded: Loaded, state: GatewayState, *, adopt: bool = False) -> Taken:
    """What the files would have to say for the gateway to be as they say in all that moved there.

    What the files changed since they were applied stays, but where both moved the same: there the gateway counts.

    Args:
        loaded: the folder's policies.
        state: the gateway, as that policy set sees it.
        adopt: whether what was made by hand is taken in too.
    """
    assert loaded.policies is not None
    files = loaded.policies.resources
    noise = Noise(loaded.policies.noise)
    edits = Edits(folder, loaded)
    taking = _Taking(edits, files, state, noise)
    drift = drift_of(loaded.policies, state)
    for each in drift.drifted:
        if each.how is How.DELETED:
            taking.delete(each.address)
    taking.left += _still_said(folder, taking.gone)
    # Whoever lets go of something in the files, and finds that it was changed at the gateway, gets it back.
    back = []
    for each in drift.drifted:
        if each.how is How.CHANGED:
            back += taking.change(each.address)
    if adopt:
        back += [each for address, each in state.live.items() if address not in state.owners and address not in files]
    taking.add([*back, *taking.needed(back)])
    return Taken(
        changed=edits.changed,
        before=edits.originals,
        taken=taking.taken,
        left=sorted(taking.left),
    )


class _Taking:
    def __init__(self, edits: Edits, files: Mapping[str, Resource], state: GatewayState, noise: Noise) -> None:
        self._edits, self._files, self._state, self._noise = edits, files, state, noise
        self.gone: set[str] = set()
        self.taken: list[str] = []
        self.left: list[Left] = []

    def delete(self, address: str) -> None:
        """Take out what is no longer live; with an API or a consumer goes what is inside it."""
        if address not in self._files:
            return
        if head_of(address) not in self.gone:
            try:
                self._edits.remove(address)
            except CannotEdit as error:
                self.left.append(Left(address, str(error)))
                return
        self.gone.add(address)
        self.taken.append(address)

    def add(self, resources: list[Resource]) -> None:
        """Describe what the files do not."""
        there = [each for each in self._files if each not in self.gone]
        found, left = describable(resources, there)
        self.left += left
        for each in found:
            try:
                self._edits.add(each)
            except CannotEdit as error:
                self.left.append(Left(each.address, str(error)))
            else:
                self.taken.append(each.address)

    def needed(self, back: list[Resource]) -> list[Resource]:
        """What was made by hand and is referred to by what is taken: the files could not be loaded without."""
        live, files = self._state.live, self._files
        todo = [live[each] for each in self.taken if each in live] + back
        seen = {each.address for each in todo}
        found = []
        while todo:
            for each in references(todo.pop()):
                if each not in seen and each not in files and each in live and each not in self._state.owners:
                    seen.add(each)
                    found.append(live[each])
                    todo.append(live[each])
        return found

    def change(self, address: str) -> list[Resource]:
        """Say what is live, in what moved there; what the files do not describe any more is given back."""
        live, files = self._state.live[address], self._files.get(address)
        if files is None:
            return [live]
        moved = [
            each
            for each in compare(files, live, self._state.applied[address], self._noise).fields
            if each.moved is not Moved.PENDING
        ]
        if moved:
            try:
                with self._edits.all_or_nothing():
                    self._take(files, live, moved)
            except CannotEdit as error:
                self.left.append(Left(address, str(error)))
            else:
                self.taken.append(address)
        return []

    def _take(self, files: Resource, live: Resource, moved: list[FieldChange]) -> None:
        address = files.address
        names = {each.field for each in moved}
        if isinstance(files, Api) and isinstance(live, Api):
            calls = {each for each in names if each.startswith("operations[")}
            take_operations(self._edits, files, live, calls)
            names -= calls
        if isinstance(files, Consumer) and isinstance(live, Consumer):
            parts = {each for each in names if each.startswith("credential.")}
            self._credential(files, live, parts)
            names -= parts
        if isinstance(files, Version) and "brownouts" in names:
            self._brownouts(files, live, [each for each in moved if each.field == "brownouts"])
            names.discard("brownouts")
        for name in sorted(names):
            self._field(address, name, live)
        # A bucket of as many as the refill is what a throttle has when nothing is said, so it need not be said.
        if isinstance(files, Throttle) and "requests" in names and not {"burst"} & {*facets(files), *facets(live)}:
            self._edits.set_field(address, "burst", None)

    def _field(self, address: str, name: str, live: Resource) -> None:
        value = getattr(live, name)
        if getattr(writable(live), name) != value:
            self.left.append(Left(address, SECRET))
            return
        if name == "burst" and "burst" not in facets(live):
            value = None
        self._edits.set_field(address, name, None if value in ("", False, ()) else value)

    def _credential(self, files: Consumer, live: Consumer, parts: set[str]) -> None:
        if not parts:
            return
        clean = writable(live)
        assert isinstance(clean, Consumer)
        credential = clean.credential
        hidden = credential != live.credential
        if hidden:
            self.left.append(Left(files.address, SECRET))
        if credential is None or files.credential is None:
            self._edits.set_field(files.address, "credential", credential)
            return
        for each in sorted(parts):
            name = each.partition(".")[2]
            if name != "secret" or not hidden:
                self._edits.set_field(files.address, each, getattr(credential, name))

    def _brownouts(self, files: Version, live: Resource, moved: list[FieldChange]) -> None:
        assert isinstance(live, Version)
        # The change is told as what the gateway would get: what is added is in the files alone.
        out = {each for change in moved for each in change.added}
        back = {each for change in moved for each in change.removed}
        kept = [each for each in files.brownouts if span(each) not in out]
        kept += [each for each in live.brownouts if span(each) in back]
        self._edits.set_brownouts(files.address, sorted(kept))


def _still_said(folder: Path, gone: set[str]) -> list[Left]:
    """What environments go on saying of what is taken out of the base."""
    found = []
    for environment in environments_of(folder) if gone else ():
        for file in Listing(folder, f"{ENVIRONMENTS}/{environment}").files:
            content = content_of(file)
            raw = parse(content, file.file) if isinstance(content, bytes) else content
            if isinstance(raw, Finding):
                continue
            why = f"{file.file} goes on saying something of it: take that out too, or the policies cannot be loaded"
            found += [Left(each, why) for each in sorted(gone.intersection(_addresses(file.kind, raw)))]
    return found


def _addresses(kind: Kind, raw: dict[str, Any]) -> Iterator[str]:
    for head in heads_of(kind, raw):
        yield head
        for items in ("version", "grant"):
            yield from (f"{head}.{items}.{identity(items, each)}" for each in raw.get(items, ()))
