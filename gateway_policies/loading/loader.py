"""A folder of policies to a policy set, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path as Folder
from typing import Any

import msgspec
from msgspec import Struct

from gateway_policies.findings import Finding, in_order, refuses
from gateway_policies.loading.absent import absent_contracts
from gateway_policies.loading.cache import Cache
from gateway_policies.loading.documents import Document, Texts
from gateway_policies.loading.fields import head_of
from gateway_policies.loading.folder import ENVIRONMENTS, Listing, PolicyFile, content_of, environments_of
from gateway_policies.loading.formats import FORMATS, HOME, Kind
from gateway_policies.loading.making import resources_of, usable
from gateway_policies.loading.mistakes import Problem
from gateway_policies.loading.overlays import Overlay, heads_of
from gateway_policies.loading.references import References
from gateway_policies.loading.shapes import BROKEN, Checking
from gateway_policies.loading.syntax import parse
from gateway_policies.loading.whereabouts import Whereabouts
from gateway_policies.loading.within import check_within
from gateway_policies.model import Api, Consumer, PolicySet, Resource, Severity, Suppression
from gateway_policies.nearest import did_you_mean, listed, nearest
from gateway_policies.places import Place, Places

_DESCRIBES: dict[Kind, tuple[str, ...]] = {
    Kind.ANDON: ("issuer",),
    Kind.API: ("api",),
    Kind.CONSUMER: ("consumer",),
    Kind.SCOPES: ("scope",),
    Kind.THROTTLES: ("throttle",),
}


class Loaded(Struct, frozen=True, kw_only=True):
    """What came of loading a folder.

    Attributes:
        policies: None where there is an error among the findings.
        settings: what andon.toml says, without resources, also where there are errors; None where it cannot be told
            which gateway or which policy set the files are for.
        unread: the findings by which something of ``[drift]`` is not among what ``settings`` calls noise.
        findings: in the order of the files and lines.
        places: where everything is said.
        files: how many files were read.
    """

    policies: PolicySet | None
    settings: PolicySet | None
    unread: list[Finding]
    findings: list[Finding]
    places: Places
    files: int


def load(folder: Folder, environment: str | None = None, *, cache: Cache | None = None) -> Loaded:
    """Load a folder of policies, with what an environment says over it.

    Nothing that is wrong with the policies is raised: all of it is in the findings at once.

    Args:
        environment: a folder's name in ``environments``; None for the base alone.
        cache: what files came to before; it saves time and changes nothing else.
    """
    if cache is None:
        return _Loading(folder, environment, None).done()
    cache.open(folder, environment)
    loaded = _Loading(folder, environment, cache).done()
    cache.close()
    return loaded


class _Loading:
    def __init__(self, folder: Folder, environment: str | None, cache: Cache | None) -> None:
        self._folder = folder
        self._cache = cache
        self._environment = environment
        self._texts = Texts()
        self._findings: list[Finding] = []
        self._documents: dict[str, Document] = {}
        self._made: list[tuple[PolicyFile, list[Resource]]] = []
        self._unknowable: set[str] = set()
        self._unread: list[Finding] = []
        self._unsure = False
        self._whereabouts = Whereabouts(self._heads, self._documents)

    def done(self) -> Loaded:
        if not self._folder.is_dir():
            if self._folder.exists():
                message, advice = f"{str(self._folder)!r} is no folder.", "Give the folder of the policies"
            else:
                message, advice = f"There is no folder {str(self._folder)!r}.", "Make one: andon policy init"
            self._finding("no-folder", message, None, advice)
            return self._loaded(None, 0)
        base = self._listed("")
        over = self._overlays()
        added = self._lay(base, over) if over else []
        settings: dict[str, Any] | None = None
        for file in base:
            raw = self._read(file)
            if file.kind is Kind.ANDON:
                settings = raw
        for document in added:
            if document.file.kind is Kind.ANDON:
                settings = document.raw
            self._check(document)
        self._whereabouts = Whereabouts(self._heads, self._documents, added, self._texts)
        if settings is None and "gateway" not in self._unknowable:
            self._finding(
                "missing-key",
                "There is no andon.toml, which names the gateway that the policies are for.",
                Place("andon.toml", 1, 1),
                'Write one with: [gateway] and, on the next line, name = "plant-gateway".',
            )
        resources = self._gathered()
        self._follow(resources)
        return self._loaded(None if settings is None else (settings, resources), len(base) + len(over))

    def _loaded(self, found: tuple[dict[str, Any], dict[str, Resource]] | None, files: int) -> Loaded:
        findings = in_order(self._findings)
        settings = None if found is None or self._unsure else _settings(found[0])
        policies = None if found is None or refuses(findings) else _policies(*found)
        return Loaded(
            policies=policies,
            settings=settings,
            unread=in_order(self._unread),
            findings=findings,
            places=self._whereabouts,
            files=files,
        )

    # files

    def _listed(self, below: str) -> list[PolicyFile]:
        listing = Listing(self._folder, below)
        self._findings += listing.findings
        self._unknowable.update(word for kind in listing.unread for word in _DESCRIBES[kind])
        return listing.files

    def _overlays(self) -> list[Document]:
        if self._environment is None:
            return []
        known = environments_of(self._folder)
        if self._environment not in known:
            self._finding(
                "no-environment",
                f"There is no environment {self._environment!r}.{did_you_mean(self._environment, known)}",
                None,
                f"There are: {listed(known)}." if known else "Make a folder of that name in environments/.",
            )
            return []
        documents = []
        for file in self._listed(f"{ENVIRONMENTS}/{self._environment}"):
            document = self._parsed(file)
            if document is not None and self._shaped(document, Checking(partial=True, removing=True)):
                documents.append(document)
        return documents

    def _parsed(self, file: PolicyFile, content: bytes | Finding | None = None) -> Document | None:
        if content is None:
            content = content_of(file)
        raw = parse(content, file.file) if isinstance(content, bytes) else content
        if isinstance(raw, Finding):
            self._findings.append(raw)
            self._unknowable.update(_DESCRIBES[file.kind])
            if file.kind is Kind.ANDON:
                self._unknowable.add("gateway")
                self._unread.append(raw)
            return None
        return Document(file, raw)

    # overlays

    def _lay(self, base: list[PolicyFile], over: list[Document]) -> list[Document]:
        """Lay the environment over the base; the files of the base that it says nothing of are left unread."""
        wanted = {head for each in over for head in heads_of(each.file.kind, each.raw)}
        by_head: dict[str, Document] = {}
        known: list[str] = []
        for file in base:
            document = self._parsed(file)
            if document is None:
                self._documents[file.file] = Document(file, {})
                self._documents[file.file].removed = True
                continue
            heads = heads_of(file.kind, document.raw)
            known += heads
            if wanted.isdisjoint(heads):
                continue
            self._documents[file.file] = document
            if self._shaped(document, Checking(partial=True)):
                for head in heads:
                    by_head.setdefault(head, document)
        overlay = Overlay(by_head, known)
        for each in over:
            overlay.lay(each)
        self._findings += [self._texts.finding(document, problem) for document, problem in overlay.told]
        return overlay.added

    # one file

    def _read(self, file: PolicyFile) -> dict[str, Any] | None:
        document = self._documents.get(file.file)
        # What an environment changes, and the one file of the settings, are made anew each time.
        if document is None and self._cache is not None and file.kind is not Kind.ANDON:
            self._remembered(file, self._cache)
            return None
        if document is None:
            document = self._parsed(file)
        if document is None or document.removed:
            return None
        return self._check(document)

    def _remembered(self, file: PolicyFile, cache: Cache) -> None:
        content = content_of(file)
        if isinstance(content, Finding):
            self._findings.append(content)
            self._unknowable.update(_DESCRIBES[file.kind])
            return
        digest, made = cache.get(file.kind, content)
        if made is not None:
            self._made.append((file, made))
            return
        before = len(self._findings)
        document = self._parsed(file, content)
        if document is not None and self._check(document) is not None and len(self._findings) == before:
            cache.put(digest, self._made[-1][1])

    def _check(self, document: Document) -> dict[str, Any] | None:
        if not self._shaped(document, Checking()):
            return None
        made = [each for _, each in resources_of(document.file.kind, document.raw)]
        self._made.append((document.file, made))
        return document.raw

    def _shaped(self, document: Document, checking: Checking) -> bool:
        """Check a document, and leave in it what can be used; False where that is nothing."""
        kind = document.file.kind
        strangers = [key for key in document.raw if key not in FORMATS[kind].fields and key in HOME]
        cleaned = FORMATS[kind].check(document.raw, (), checking)
        if cleaned is not BROKEN and not checking.partial:
            check_within(kind, cleaned, checking)
        for problem in checking.problems:
            if problem.rule == "unknown-key" and len(problem.path) == 1 and problem.path[0] in strangers:
                key = str(problem.path[0])
                message = f"[{key}] has no place in {FORMATS[kind].what}."
                problem = Problem(problem.rule, problem.path, message, f"It belongs in {HOME[key]}.", on_key=True)
            finding = self._texts.finding(document, problem)
            self._findings.append(finding)
            if kind is Kind.ANDON:
                meant = nearest(str(problem.path[0]), FORMATS[kind].fields) if problem.path else "gateway"
                if meant == "drift":
                    self._unread.append(finding)
                # A set whose name is mistyped would be another set.
                self._unsure |= meant == "gateway"
        if checking.problems:
            self._documents[document.file.file] = document
            self._unknowable.update(_lost(kind, document.raw, cleaned))
        if cleaned is BROKEN:
            return False
        document.raw = cleaned
        return True

    # all files

    def _heads(self) -> Iterator[tuple[str, PolicyFile]]:
        for file, resources in self._made:
            if file.kind is Kind.ANDON:
                yield "andon", file
            for each in resources:
                yield each.address, file

    def _gathered(self) -> dict[str, Resource]:
        """Every resource by its address, each told that is there a second time."""
        found: dict[str, Resource] = {}
        taken: dict[str, str] = {}
        twice: list[str] = []
        for _, resources in self._made:
            for each in resources:
                address = each.address
                if address in found:
                    twice.append(address)
                    continue
                found[address] = each
                if isinstance(each, Consumer) and each.credential is not None and each.credential.client_id:
                    credential = each.credential
                    other = taken.setdefault(f"{credential.client_id} of {credential.issuer}", address)
                    if other != address:
                        self._about(
                            "duplicate",
                            address,
                            "credential.client_id",
                            f"{address} is the client {credential.client_id!r} of {credential.issuer}, as is {other}.",
                            "A gateway tells consumers apart by their clients. Give each one of its own.",
                        )
                elif isinstance(each, Api) and each.base_path:
                    other = taken.setdefault(each.base_path, address)
                    if other != address:
                        self._about(
                            "duplicate",
                            address,
                            "base_path",
                            f"{address} has the base path {each.base_path!r}, and so has {other}.",
                            "A call can only go to one API. Give each a base path of its own.",
                        )
        for address in dict.fromkeys(twice):
            # Of a consumer that is there twice nobody wants to hear that its grants are.
            if head_of(address) == address or head_of(address) not in twice:
                self._twice(address)
        return dict(sorted(found.items()))

    def _twice(self, address: str) -> None:
        places = []
        for file, resources in self._made:
            if any(each.address == address for each in resources):
                document = self._whereabouts.opened(file)
                paths = [path for path, each in resources_of(file.kind, document.raw) if each.address == address]
                places += [self._whereabouts.at(document, path) for path in paths]
        for place in places[1:]:
            self._finding(
                "duplicate",
                f"{address} is there twice: first in {places[0]}.",
                place,
                "Leave one out.",
                address=address,
            )

    def _follow(self, resources: dict[str, Resource]) -> None:
        absent: set[str] = set()
        for missing in absent_contracts(self._folder, resources):
            absent.update(missing.addresses)
            self._findings.append(missing.finding(self._whereabouts))
        for each in References(resources, self._unknowable, self._contract).dangling():
            if each.field == "contract" and each.address in absent:
                continue
            self._about("unknown-reference", each.address, each.field, each.message, each.help)

    def _contract(self, file: str) -> str | None:
        path = self._folder / file
        if not path.is_file():
            return "there is no such file"
        if not path.resolve().is_relative_to(self._folder.resolve()):
            return "that is a link out of the folder"
        return None

    def _about(self, rule: str, address: str, field: str, message: str, advice: str) -> None:
        self._finding(rule, message, self._whereabouts.of(address, field), advice, address=address)

    def _finding(
        self, rule: str, message: str, place: Place | None, advice: str = "", *, address: str | None = None
    ) -> None:
        self._findings.append(
            Finding(rule=rule, severity=Severity.ERROR, message=message, address=address, place=place, help=advice)
        )


def _lost(kind: Kind, raw: dict[str, Any], cleaned: Any) -> Iterable[str]:
    """Kinds of addresses of which a check has left out some: whatever names them is not to blame."""
    for key in _DESCRIBES[kind]:
        before = raw.get(key)
        after = None if cleaned is BROKEN else cleaned.get(key)
        names_before = set(before) if isinstance(before, dict) and kind not in (Kind.API, Kind.CONSUMER) else set()
        names_after = set(after) if isinstance(after, dict) else set()
        if (before is not None and after is None) or names_before - names_after:
            yield key


def _settings(settings: dict[str, Any]) -> PolicySet:
    gateway = settings["gateway"]
    return PolicySet(
        gateway=gateway["name"],
        name=gateway.get("set", PolicySet.DEFAULT_NAME),
        noise=tuple(settings.get("drift", {}).get("ignore", ())),
    )


def _policies(settings: dict[str, Any], resources: dict[str, Resource]) -> PolicySet:
    return msgspec.structs.replace(
        _settings(settings),
        resources=resources,
        lint={rule: Severity(severity) for rule, severity in sorted(settings.get("lint", {}).items())},
        suppressions=tuple(Suppression(**each) for each in usable(settings, "suppress")),
    )
