"""A gateway that is a directory: one JSON file for each resource, and a record of who applied what.

::

    gateway.json        the gateway's name, how many changes it has taken, and what tells it from others of that name
    live/ADDRESS.json   what is in force; whoever edits it by hand makes drift
    sets/NAME.json      what a policy set owns, and what it applied last
    revisions/N.json    a change that was taken
    journal.json        the change that is being made, as long as it is
    lock                who is changing it

A change is written into the journal whole; from the moment that the journal is there, it has happened, and whatever
reads the directory reads it with the journal in mind. Then the files are brought up to it, and the journal goes. If the
process ends in between, the next change does that first.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway_policies import durable
from gateway_policies.canonical import canonical
from gateway_policies.changeset import Changeset, Edit, adopted, states
from gateway_policies.directory_records import (
    FORMAT,
    Content,
    Head,
    Journal,
    Set,
    Taken,
    file_name,
    place_of,
    readable,
)
from gateway_policies.durable import Pause, no_pause
from gateway_policies.errors import Locked, Missing, Moved, PlanAltered, Unreadable
from gateway_policies.gateway import AppliedThen, Report, Revision, Stage, Step, unheard
from gateway_policies.model import Resource
from gateway_policies.state import DIRECTORY, GatewayState

__all__ = ["Directory", "file_name"]

T = TypeVar("T")
_FOLDERS = ("live", "sets", "revisions")
_LOOKS = 50
_ONE_BY_ONE = 64  # more files than these are waited for all together


_RESOURCE: msgspec.json.Decoder[Resource] = msgspec.json.Decoder(Resource)


class Directory:
    """The gateway in a directory."""

    def __init__(self, path: Path, name: str, *, pause: Pause = no_pause) -> None:
        """
        Args:
            path: a directory that is there: of a gateway, or empty, for a new one.
            name: of the gateway, where it is new.
            pause: called before everything that reaches the disk.
        """
        self._path, self._name, self._pause = path, name, pause

    def state(self, policy_set: str) -> GatewayState:
        """See :class:`gateway_policies.gateway.Gateway`."""
        return self._seen_by(policy_set, self._read())

    def revisions(self) -> list[Revision]:
        """See :class:`gateway_policies.gateway.Gateway`."""
        return [each.revision for each in self._taken()]

    def revision_of(self, plan: str) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`."""
        return next((each.revision for each in self._taken() if each.revision.plan == plan), None)

    def applied(self, policy_set: str, revision: int) -> AppliedThen:
        """See :class:`gateway_policies.gateway.Gateway`."""
        content = self._read()
        if not 0 <= revision <= content.head.revision:
            raise Missing(
                f"The gateway {content.head.gateway} has no revision {revision}: it has taken "
                f"{content.head.revision}. Nothing was changed. Give one that 'andon policy revisions' lists."
            )
        found = dict(content.set_named(policy_set).applied)
        by_hand: dict[str, Resource] = {}
        for each in self._taken():
            if each.revision.number <= revision or each.revision.policy_set != policy_set:
                continue
            for address, resource in each.before.items():
                if resource is None:
                    found.pop(address, None)
                else:
                    found[address] = resource
            by_hand.update(each.adopted)
        return AppliedThen(
            policy_set=policy_set,
            revision=revision,
            applied=dict(sorted(found.items())),
            adopted=dict(sorted(each for each in by_hand.items() if each[0] not in found)),
        )

    def apply(self, changeset: Changeset, at: datetime, report: Report = unheard) -> Revision:
        """See :class:`gateway_policies.gateway.Gateway`."""
        if self._marks() == (None, None):
            self._check_new()  # before anything is made in it
        with self._held(changeset.by, at):
            self._finish()
            content = self._read()
            self._check(changeset, content)
            journal = self._journal(changeset, content, at)
            self._write(lambda: durable.put(self._path / "journal.json", canonical(journal), self._pause))
            # From here on it has happened, whatever happens now.
            self._write(lambda: durable.sync_folder(self._path, self._pause))
            self._write(lambda: self._bring_up(journal, report))
        return journal.taken.revision

    def unfinished(self) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`."""
        content = self._bytes(self._path / "journal.json")
        try:
            if content is None or durable.is_held(self._path / "lock"):
                return None
        except OSError as error:
            raise self._unreadable(self._path / "lock", error) from error
        return self._parsed(content, Journal, self._path / "journal.json").taken.revision

    def finish(self, by: str, at: datetime) -> Revision | None:
        """See :class:`gateway_policies.gateway.Gateway`."""
        if self._bytes(self._path / "journal.json") is None:
            return None
        try:
            with self._held(by, at):
                return self._finish()
        except Locked:
            return None  # whoever holds it brings it to an end

    def _check(self, changeset: Changeset, content: Content) -> None:
        if changeset.gateway != content.head.gateway:
            raise PlanAltered(
                f"The plan is for the gateway {changeset.gateway}, and {self._path} is {content.head.gateway}. "
                "Nothing was changed. Make a plan for this one."
            )
        taken = next((each.revision for each in self._taken() if each.revision.plan == changeset.plan), None)
        if taken is not None:
            raise Moved(
                f"The plan {changeset.plan[:12]} was applied already, as revision {taken.number} by {taken.by}. "
                "Nothing was changed. Make a new plan."
            )
        if changeset.base != content.fingerprint:
            raise Moved(
                f"The gateway {content.head.gateway} has changed since the plan was made; it is at revision "
                f"{content.head.revision} now. Nothing was changed. Make a new plan."
            )

    def _journal(self, changeset: Changeset, content: Content, at: datetime) -> Journal:
        name = changeset.policy_set
        before = self._seen_by(name, content)
        (after,) = states(before, name, (_flat(changeset),))
        owns = tuple(sorted(address for address, owner in after.owners.items() if owner == name))
        mine = Set(name=name, owns=owns, applied=after.applied)
        number = content.head.revision + 1
        new = Content(
            head=msgspec.structs.replace(content.head, revision=number, place=content.head.place or self._place()),
            live=after.live,
            sets={**content.sets, name: mine},
        )
        revision = Revision(
            number=number,
            at=at,
            by=changeset.by,
            policy_set=name,
            plan=changeset.plan,
            fingerprint=new.fingerprint,
            reason=changeset.reason,
        )
        recorded = _differing(before.applied, after.applied)
        return Journal(
            head=new.head,
            taken=Taken(
                revision=revision,
                before={each: before.applied.get(each) for each in recorded},
                adopted=adopted(before, after, name),
            ),
            live={each: after.live.get(each) for each in _differing(before.live, after.live)},
            set_after=mine,
        )

    def _place(self) -> str:
        try:
            return place_of(self._path)
        except OSError as error:
            raise self._unreadable(self._path, error) from error

    def _bring_up(self, journal: Journal, report: Report = unheard) -> None:
        """The files as the journal has them; as often as it takes."""
        for folder in _FOLDERS:
            self._pause(f"make {folder}")
            (self._path / folder).mkdir(exist_ok=True)
        files, number = len(journal.live), journal.taken.revision.number
        one_by_one = files <= _ONE_BY_ONE
        report(Step(stage=Stage.WRITTEN, done=0, of=files, revision=number))
        for done, (address, resource) in enumerate(journal.live.items(), 1):
            path = self._path / "live" / file_name(address)
            if resource is None:
                durable.take(path, self._pause)
            else:
                durable.put(path, readable(resource), self._pause, sync=one_by_one)
            report(Step(stage=Stage.WRITTEN, done=done, of=files, revision=number))
        durable.put(self._path / "sets" / file_name(journal.set_after.name), canonical(journal.set_after), self._pause)
        durable.put(self._path / "revisions" / f"{number:06}.json", canonical(journal.taken), self._pause)
        durable.put(self._path / "gateway.json", canonical(journal.head), self._pause)
        if not one_by_one and hasattr(os, "sync"):
            self._pause("sync all")
            os.sync()
        for folder in (*_FOLDERS, "."):
            durable.sync_folder(self._path / folder, self._pause)
        durable.take(self._path / "journal.json", self._pause)
        durable.sync_folder(self._path, self._pause)

    def _finish(self) -> Revision | None:
        """What another process had begun."""
        for folder in (".", *_FOLDERS):
            if (self._path / folder).is_dir():
                durable.sweep(self._path / folder)
        content = self._bytes(self._path / "journal.json")
        if content is None:
            return None
        journal = self._parsed(content, Journal, self._path / "journal.json")
        self._write(lambda: self._bring_up(journal))
        return journal.taken.revision

    def _read(self) -> Content:
        """The gateway at one moment, though somebody may change it meanwhile."""
        for _ in range(_LOOKS):
            before = self._marks()
            content = self._look(*before)
            if content is not None and self._marks() == before:
                return content
        raise Unreadable(
            f"{self._path} did not stay as it is for long enough to be read. Nothing was changed. Try again."
        )

    def _marks(self) -> tuple[bytes | None, bytes | None]:
        return self._bytes(self._path / "gateway.json"), self._bytes(self._path / "journal.json")

    def _look(self, head: bytes | None, journal: bytes | None) -> Content | None:
        """What is there; None where a file went away while it was looked at."""
        if head is None and journal is None:
            self._check_new()
            new = Head(format=FORMAT, gateway=self._name, revision=0, place=self._place())
            return Content(head=new, live={}, sets={})
        live: dict[str, Resource] = {}
        for path in self._listed("live"):
            found = self._bytes(path)
            if found is None:
                return None
            resource = self._resource(found, path)
            live[resource.address] = resource
        sets: dict[str, Set] = {}
        for path in self._listed("sets"):
            found = self._bytes(path)
            if found is None:
                return None
            policy_set = self._parsed(found, Set, path)
            sets[policy_set.name] = policy_set
        if journal is not None:
            begun = self._parsed(journal, Journal, self._path / "journal.json")
            for address, resource_after in begun.live.items():
                if resource_after is None:
                    live.pop(address, None)
                else:
                    live[address] = resource_after
            sets[begun.set_after.name] = begun.set_after
            return Content(head=begun.head, live=dict(sorted(live.items())), sets=sets)
        read = self._parsed(head or b"", Head, self._path / "gateway.json")
        if read.format != FORMAT:
            raise Unreadable(
                f"{self._path} has the form {read.format}, and this andon knows the form {FORMAT}. "
                "Nothing was changed. Use the andon that wrote it."
            )
        return Content(head=read, live=dict(sorted(live.items())), sets=sets)

    def _check_new(self) -> None:
        try:
            there = sorted(each.name for each in self._path.iterdir() if not each.name.startswith("."))
        except FileNotFoundError as error:
            raise Missing(
                f"There is no directory {self._path}. Nothing was changed. Make an empty one for a new gateway, or "
                "check the path."
            ) from error
        except NotADirectoryError as error:
            raise Missing(f"{self._path} is a file. Nothing was changed. Give the gateway's directory.") from error
        except OSError as error:
            raise self._unreadable(self._path, error) from error
        strange = sorted(set(there) - {"lock", *_FOLDERS})
        kept = [each for each in _FOLDERS if self._listed(each)]
        if (strange or kept) and self._marks() != (None, None):
            return  # somebody else has just made a gateway of it
        if kept and not strange:
            raise Unreadable(
                f"{self._path} has files in {kept[0]}, and no gateway.json, which says what gateway they are of. "
                "Nothing was changed. Put gateway.json back from a copy, or give an empty directory for a new gateway."
            )
        if strange:
            raise Unreadable(
                f"{self._path} is no gateway's directory: it has {strange[0]}, and no gateway.json. "
                "Nothing was changed. Give an empty directory for a new gateway, or check the path."
            )

    def _resource(self, content: bytes, path: Path) -> Resource:
        try:
            resource = _RESOURCE.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(
                f"{path} is not a resource of a gateway: {error}. Nothing was changed. Mend or remove it."
            ) from error
        if file_name(resource.address) != path.name:
            raise Unreadable(
                f"{path} has {resource.address}, which belongs into {file_name(resource.address)}. "
                "Nothing was changed. Rename the file, or mend what it says."
            )
        return resource

    def _parsed(self, content: bytes, kind: type[T], path: Path) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(
                f"{path} cannot be read: {error}. Nothing was changed. Put it back from a copy of the directory."
            ) from error

    def _listed(self, folder: str) -> list[Path]:
        try:
            found = [Path(each.path) for each in os.scandir(self._path / folder) if not each.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(self._path / folder, error) from error
        return sorted(each for each in found if each.suffix == ".json")

    def _taken(self) -> Iterator[Taken]:
        """What was taken, the newest first."""
        journal = self._bytes(self._path / "journal.json")
        begun = None if journal is None else self._parsed(journal, Journal, self._path / "journal.json").taken
        if begun is not None:
            yield begun
        for path in reversed(self._listed("revisions")):
            content = self._bytes(path)
            if content is not None:
                taken = self._parsed(content, Taken, path)
                if begun is None or taken.revision.number != begun.revision.number:
                    yield taken

    def _bytes(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return None  # told of where the directory is looked at
        except OSError as error:
            raise self._unreadable(path, error) from error

    def _unreadable(self, path: Path, error: OSError) -> Unreadable:
        return Unreadable(
            f"{path} cannot be read: {error.strerror or error}. Nothing was changed. Mend its permissions."
        )

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            begun = (self._path / "journal.json").exists()
            raise Unreadable(
                f"{self._path} cannot be written to: {error.strerror or error}. "
                + (
                    "The change has been made, and its files are not all up to it: the next change finishes that. "
                    if begun
                    else "Nothing was changed. "
                )
                + "Make room or mend the permissions, then look with 'andon policy plan'."
            ) from error

    @contextmanager
    def _held(self, by: str, at: datetime) -> Iterator[None]:
        note = json.dumps({"by": by, "host": socket.gethostname(), "pid": os.getpid(), "since": at.isoformat()})
        path = self._path / "lock"
        with ExitStack() as stack:
            try:
                holder = stack.enter_context(durable.held(path, note.encode()))
            except OSError as error:
                raise Unreadable(
                    f"The lock {path} cannot be taken: {error.strerror or error}. Nothing was changed. "
                    "Mend its permissions, or use a disk that can be written to and locked."
                ) from error
            if holder is not None:
                raise Locked(
                    f"{self._path} is being changed by {_holder(holder)}. Nothing was changed. "
                    "Try again when that has ended, or with --wait."
                )
            yield

    def _seen_by(self, policy_set: str, content: Content) -> GatewayState:
        return GatewayState(
            gateway=content.head.gateway,
            revision=content.head.revision,
            fingerprint=content.fingerprint,
            live=content.live,
            owners=content.owners,
            applied=content.set_named(policy_set).applied,
            platform=None if content.head.place is None else f"{DIRECTORY}{content.head.place}",
        )


def _flat(changeset: Changeset) -> Iterator[Edit]:
    return (edit for step in changeset.steps for edit in step)


def _differing(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> list[str]:
    return sorted(each for each in before.keys() | after.keys() if before.get(each) != after.get(each))


def _holder(note: bytes) -> str:
    try:
        who = json.loads(note.rstrip(b"\0"))
        return f"{who['by']} (process {who['pid']} on {who['host']}) since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "somebody else"  # who has only just taken it, and has not said so yet
