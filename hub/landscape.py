"""The declared landscape with addresses filled in: what the hub delivers to, and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from hub.deadlines import Deadlines
from hub.declarations import Catalogue, FlowDeclaration, SystemDeclaration
from hub.masks import Masks
from hub.schemas import NO_SCHEMAS, Schemas
from transactions.errors import Invalid
from transactions.landscape import Verify

if TYPE_CHECKING:
    from hub.delivery.channel import Outgoing


class Endpoint(Struct, frozen=True, kw_only=True):
    """One instance of a target: its declaration and where it is (None: its address is not configured)."""

    name: str
    plant: str | None
    declaration: SystemDeclaration
    url: str | None

    @property
    def label(self) -> str:
        """Its name for people: ``ERP``, ``MES/P01``."""
        return self.name if self.plant is None else f"{self.name}/{self.plant}"

    @property
    def asks(self) -> bool:
        """Whether it can be asked by idempotency key."""
        return self.declaration.lookup is not None and self.url is not None

    def deliver_url(self, flow: str) -> str:
        """Where documents of ``flow`` go."""
        return f"{self.url}{self.declaration.deliver.replace('{flow}', flow)}"

    def lookup_url(self, key: str) -> str:
        """Where to ask for ``key`` (already percent-encoded)."""
        return f"{self.url}{(self.declaration.lookup or '').replace('{key}', key)}"

    def search_url(self, keys: dict[str, str]) -> str | None:
        """Where to look for postings with the same business keys; None where it cannot be searched for these.

        A parameter is left out where its key is missing; without a quantity, and an object it is of, the question would
        find what has nothing to do with the document.
        """
        template = self.declaration.search
        if template is None or self.url is None or not keys.get("quantity"):
            return None
        path, _, query = template.partition("?")
        kept = []
        for parameter in query.split("&"):
            names = re.findall(r"\{(\w+)\}", parameter)
            if all(keys.get(name) for name in names):
                kept.append(re.sub(r"\{(\w+)\}", lambda found: quote(keys[found[1]], safe=""), parameter))
        objects = [name for name in re.findall(r"\{(\w+)\}", query) if name not in ("quantity", "day")]
        if not any(keys.get(name) for name in objects):
            return None
        return f"{self.url}{path}?{'&'.join(kept)}"

    def follows_url(self, key: str, date: str | None) -> str | None:
        """Where to ask what was built on the posting of ``key``; None where it does not say."""
        template = self.declaration.follows
        if template is None or self.url is None:
            return None
        return f"{self.url}{template.replace('{key}', quote(key, safe='')).replace('{date}', date or '')}"

    def reversal_url(self, key: str) -> str | None:
        """Where the posting of ``key`` is reversed; None where it cannot be asked to."""
        template = self.declaration.reversal
        return (
            None
            if template is None or self.url is None
            else f"{self.url}{template.replace('{key}', quote(key, safe=''))}"
        )


class Landscape:
    """Catalogue plus addresses; addresses of simulated systems come when the simulator has started.

    Attributes:
        masks: what each flow's documents hide.
        schemas: what its documents are held against before they are sent.
        deadlines: by when its documents should be processed.
    """

    def __init__(self, catalogue: Catalogue, schemas: Schemas = NO_SCHEMAS) -> None:
        self.catalogue = catalogue
        self.masks = Masks(catalogue)
        self.deadlines = Deadlines(catalogue)
        self.schemas = schemas
        self.called_at: Callable[[Outgoing], str] = _directly
        """Where a request really goes, which may be through a gateway; for those who look at it later."""
        self._addresses: dict[str, str] = {}

    def use_addresses(self, addresses: dict[str, str]) -> None:
        """Fill in where instances are, by label (``ERP``, ``MES/P01``); replaces what was known."""
        self._addresses = dict(addresses)

    def flow(self, name: str) -> FlowDeclaration | None:
        """The declaration of a flow; None for one that is not declared any more."""
        return self.catalogue.flow.get(name)

    def endpoint(self, target: str, plant: str | None) -> Endpoint | None:
        """The instance of ``target`` that serves ``plant``; None for a system that is not declared any more."""
        declaration = self.catalogue.system.get(target)
        if declaration is None:
            return None
        instance = plant if declaration.local else None
        label = target if instance is None else f"{target}/{instance}"
        url = self._addresses.get(label)
        if url is None and declaration.url is not None:
            url = declaration.url.replace("{plant}", instance or "")
        return Endpoint(name=target, plant=instance, declaration=declaration, url=url and url.rstrip("/"))

    def instance(self, target: str, plant: str | None) -> tuple[str, str | None]:
        """The (system, plant) that a delivery to ``target`` for ``plant`` goes to."""
        declaration = self.catalogue.system.get(target)
        return (target, plant if declaration is not None and declaration.local else None)

    def targets(self, flow: FlowDeclaration, plant: str | None) -> list[str]:
        """Where a document of ``flow`` goes.

        Raises:
            Invalid: a target has an instance per plant and the document names no plant.
        """
        if plant is None:
            local = [name for name in flow.targets if self.catalogue.system[name].local]
            if local:
                raise Invalid(
                    f"{', '.join(local)} has an instance per plant, and the document names no plant. "
                    f"Say which with ?plant= (--plant): {', '.join(sorted(self.catalogue.plant))}."
                )
        return flow.targets

    def verify(self, flow: FlowDeclaration | None, endpoint: Endpoint) -> Verify:
        """What makes a delivery final; a flow that wants a lookup falls back to the answer where none can be asked."""
        wanted = flow.verify if flow is not None else Verify.ACK
        return Verify.ACK if wanted is Verify.LOOKUP and not endpoint.asks else wanted


def _directly(request: Outgoing) -> str:
    return request.url
