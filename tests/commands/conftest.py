"""A platform of a few lines over real HTTP, for what commands make of answers; the whole story runs on a real hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from gateway_doubles import state_of
from handover_doubles import handover

from commands.main import main
from gateway_policies.enforcement import Enforcing, GatewayStatus
from gateway_policies.gateway import ConsumerToken, GatewayRevision
from gateway_policies.model import Api, Consumer, Credential, Grant, Operation, Scope, Throttle, Version
from hub.audit_signer import AuditSigner
from transactions.accounts import Departure, GivenToken, Person
from transactions.approvals import ApprovalItem, ApprovalKind, Decided
from transactions.audit import GENESIS, link
from transactions.audit_export import End, entry_line
from transactions.batches import Batch, BatchItem, BatchState, ItemState, Stopped
from transactions.books import Books, Emission, Fault, FaultSetting, FlowBooks
from transactions.causes.diagnosis import diagnose
from transactions.causes.symptoms import Behind, Evidence, Surroundings, Symptom
from transactions.errors import PROBLEM_BASE, AndonError, NotFound
from transactions.group_words import compare
from transactions.groups import Group
from transactions.history import AuditEntry, Payload, TimelineEntry
from transactions.landscape import Flow, Health, Hold, HubStatus, Plant, System, WhoAmI
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction
from transactions.people import Limits
from transactions.plans import Action, Decision, Plan, PlanBody, PlanItem, PlanRequest, PlanState, Verdict, plan_hash
from transactions.plans import count_verdicts as counted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Answer = Callable[["Asked"], Any]
SYMPTOM = Symptom(
    status=Status.FAILED,
    kind=FailureKind.MASTER_DATA,
    code="M3351",
    flow="material-consumption",
    target="ERP",
    plant="P02",
    source="MES",
    count=4,
    risk=Risk.FINANCIAL,
    group="g1",
    first_seen=NOW - timedelta(minutes=38),
    last_seen=NOW,
    overdue=1,
    objects={"material": ["4711-22"]},
    orders=frozenset({"4700119"}),
    behind=Behind(transactions=2, risks={Risk.FINANCIAL: 2}),
)
"""Of the one cause that this platform tells."""
LIVE = [
    Api(
        name="orders",
        owner="erp-integration",
        base_path="/erp/orders",
        upstream="system:ERP",
        throttle="standard",
        operations=(Operation(methods=("GET",), path="/", scope="orders.read"),),
    ),
    Version(api="orders", name="v1"),
    Scope(name="orders.read", description="Read orders"),
    Consumer(
        name="mes-p01",
        owner="plant-1-it",
        plant="P01",
        throttle="standard",
        credential=Credential(issuer="plant-idp", client_id="mes-p01"),
    ),
    Grant(consumer="mes-p01", scope="orders.read"),
    Throttle(name="standard", requests=600, per_seconds=60),
]
"""What is live at the gateway of this platform."""
S = TypeVar("S", bound=msgspec.Struct)


class Asked:
    """One request, taken apart."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path.removeprefix("/admin/v1/")
        self.params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.headers = headers
        self.body = body


def _media(path: str) -> str:
    if "format=csv" in path:
        return "text/csv"
    return "application/x-ndjson" if "/export" in path else "application/json"


class Platform:
    """Answers by (method, path); keeps plans and batches as a hub would, and runs a batch at once."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Answer] = {}
        self.asked: list[Asked] = []
        self.transactions: dict[str, Transaction] = {}
        self.verdicts: dict[str, tuple[Verdict, str]] = {}
        self.waits: set[str] = set()
        self.ends: dict[str, tuple[ItemState, str | None]] = {}
        self.plans: dict[str, Plan] = {}
        self.batches: dict[str, tuple[Batch, list[BatchItem]]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def filled(self, kind: type[S], /, **fields: Any) -> S:
        """A struct of that type; see :func:`filled`."""
        return filled(kind, **fields)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, tx_id: str, **fields: Any) -> Transaction:
        self.transactions[tx_id] = transaction(tx_id, **fields)
        return self.transactions[tx_id]

    def on(self, method: str, path: str, answer: Any) -> None:
        self.routes[method, path] = answer if callable(answer) else lambda _asked: answer

    def page(self, *items: Any) -> dict[str, Any]:
        return {"items": list(items), "next_cursor": None}

    def flow(self, name: str) -> Flow:
        return filled(Flow, name=name, sources=["MES"], targets=["ERP"], business_keys=["order", "lot"])

    def group(self, fingerprint: str, **fields: Any) -> Group:
        return group(fingerprint, **fields)

    def stock(self) -> None:
        """Answer everything that a command can ask."""
        page = self.page
        self.add("tx1")
        self.add("tx2", status=Status.HELD, failure=None, failed_at=None, waiting_on="hold h1", plant=None)
        self.on("GET", "handover", handover())
        self.on("GET", "gateway/state", state_of(LIVE))
        self.on("GET", "gateway/status", GatewayStatus(gateway="plant-gateway", state=Enforcing.IDLE))
        self.on("GET", "gateway/revisions", page(filled(GatewayRevision, number=1, by="ann", plan="ab" * 32)))
        self.on("GET", "flows", page(self.flow("goods-receipt"), self.flow("material-consumption")))
        self.on("GET", "plants", page(filled(Plant, name="P01"), filled(Plant, name="P02")))
        erp = filled(System, name="ERP", health=Health.DOWN, last_failure="refused", last_failure_at=NOW, held=7)
        self.on("GET", "systems", page(erp, filled(System, name="MES", plant="P01")))
        self.on("GET", "holds", page(filled(Hold, id="h1", target="ERP", reason="patch", held=7)))
        entry = link(filled(AuditEntry, seq=1, actor="ann", reason="why", after={"n": 1}, previous=GENESIS, hash=""))
        self.export([entry])
        counts = dict.fromkeys(Status, 0) | {Status.FAILED: 1}
        self.on("GET", "status", filled(HubStatus, platform="test-hub", counts=counts))
        self.on("GET", "whoami", filled(WhoAmI, subject="ann", kind="user", roles=["operator"]))
        told = filled(TimelineEntry, kind="status", text="Failed: M3351", status=Status.FAILED)
        self.on("GET", "transactions/tx1/timeline", page(told))
        self.on("POST", "transactions/tx1/assign", lambda _: self.transactions["tx1"])
        self.on("POST", "transactions/tx1/note", page(told, filled(TimelineEntry, kind="note", text="hello")))
        self.on("GET", "transactions/tx1/payload", self.payload)
        self.on("GET", "simulator/books", filled(Books, agree=True, flows=[filled(FlowBooks, owed=2, agreed=2)]))
        faults = page(filled(Fault, name="target-down", active=[FaultSetting(system="ERP")]))
        self.on("GET", "simulator/faults", faults)
        self.on("PUT", "simulator/faults", faults)
        self.on("POST", "simulator/pause", filled(Emission))
        self.on("POST", "simulator/resume", filled(Emission, emitting=True))
        self.on("POST", "simulator/drain", {"drained": True})
        kim = filled(Person, name="kim", roles=["operator"], limits=Limits(), created_by="ann")
        self.on("GET", "users", page(kim))
        self.on("POST", "users", kim)
        self.on("DELETE", "users/kim", filled(Departure, name="kim", tokens=1))
        self.on("POST", "users/kim/token", filled(GivenToken, name="kim", id="t1", token="secret", expires_at=NOW))
        self.on(
            "POST", "gateway/consumers/mes-p01/token", filled(ConsumerToken, id="t1", token="a.b.c", expires_at=NOW)
        )
        self.on("DELETE", "users/kim/token", filled(Departure, name="kim", tokens=2))
        self.on("POST", "ingress", page(self.transactions["tx1"]))
        one = group("g1")
        self.on("GET", "groups", page(one, group("g2", plants={"P01": 3}, count=3, target="WMS")))
        self.on("GET", "groups/g1", one)
        self.on("GET", "causes", diagnose(Evidence(symptoms=[SYMPTOM]), Surroundings()))
        self.on("GET", "groups/g1/difference", compare(one, group("g2", target="WMS")))
        self._run(self._plan(PlanRequest(action=Action.REPLAY, reason="r", ids=["tx1"])))
        self.on("GET", "batches", lambda _: page(*(batch for batch, _items in self.batches.values())))
        for word in ("cancel", "pause", "resume"):
            self.on("POST", f"batches/b1/{word}", lambda _: self.batches["b1"][0])
        self.on("POST", "stop", Stopped(["b1"]))
        again = PlanRequest(action=Action.REPLAY, reason="r", ids=["tx1"])
        self.on("POST", "batches/b1/retry-failed", lambda _: self._plan(again))
        waiting = filled(ApprovalItem, hash="ab" * 32, action=Action.DISCARD, requested_by="ann", reason="r", count=1)
        self.on("GET", "approvals", page(waiting))
        self.on("GET", f"plans/{'ab' * 32}", lambda _: next(iter(self.plans.values())))
        for word, state in (("approve", PlanState.RUN), ("reject", PlanState.REJECTED)):
            decided = filled(Decided, hash="ab" * 32, kind=ApprovalKind.APPROVAL, decision=Decision(word), state=state)
            self.on("POST", f"plans/{'ab' * 32}/{word}", decided)
        self.asked.clear()

    def export(self, entries: list[AuditEntry], signer: AuditSigner | None = None) -> list[bytes]:
        """Have these for an audit chain; returns the lines of its export."""
        signer = signer or AuditSigner("test-hub", None)
        end = End(
            platform=signer.public().platform,
            first=entries[0].seq,
            last=entries[-1].seq,
            count=len(entries),
            head=entries[-1].hash,
            previous=entries[0].previous,
            at=NOW,
        )
        lines = [*map(entry_line, entries), signer.end_line(end)]
        self.on("GET", "audit", self.page(*reversed(entries)))
        self.on("GET", "audit/key", signer.public())
        self.on("GET", "audit/export", b"".join(lines))
        return lines

    def payload(self, asked: Asked) -> Any:
        content = b'{"Order": "4700119"}'
        if asked.headers.get("Accept") == "application/octet-stream":
            return content
        return filled(Payload, id="tx1", content_type="application/json", encoding="text", content=content.decode())

    def sent(self, method: str) -> list[str]:
        return [each.path for each in self.asked if each.method == method]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, asked: Asked) -> Any:
        self.asked.append(asked)
        given = self.routes.get((asked.method, asked.path))
        if given is not None:
            return given(asked)
        match asked.method, asked.path.split("/"):
            case "GET", ["transactions"]:
                limit, start = int(asked.params.get("limit", 50)), int(asked.params.get("cursor", 0))
                items = list(self.transactions.values())
                more = str(start + limit) if len(items) > start + limit else None
                return {"items": items[start : start + limit], "next_cursor": more}
            case "GET", ["transactions", tx_id] if tx_id in self.transactions:
                return self.transactions[tx_id]
            case "POST", ["plans"]:
                return self._plan(msgspec.json.decode(asked.body, type=PlanRequest))
            case "GET", ["plans", prefix]:
                for plan in self.plans.values():
                    if plan.hash.startswith(prefix):
                        return plan
            case "POST", ["plans", plan, "run"]:
                return self._run(self.plans[plan])
            case "GET", ["batches", batch] if batch in self.batches:
                return self.batches[batch][0]
            case "GET", ["batches", batch, "items"] if batch in self.batches:
                return {"items": self.batches[batch][1], "next_cursor": None}
        raise NotFound(f"There is no {asked.path}. It may be gone. Look it up first.")

    def _plan(self, request: PlanRequest) -> Plan:
        chosen = list(self.transactions) if request.ids is None else request.ids
        if request.ids is None and request.filter is None:
            chosen = []
        items = [self._item(self.transactions[tx_id]) for tx_id in chosen]
        body = PlanBody(
            platform="test-hub",
            action=request.action,
            reason=request.reason,
            options=request.options,
            requested_by="tester",
            created_at=NOW,
            expires_at=NOW + timedelta(days=1),
            filter=request.filter,
            items=items,
        )
        fields = {name: getattr(body, name) for name in PlanBody.__struct_fields__}
        plan = Plan(hash=plan_hash(body), state=PlanState.PLANNED, verdicts=counted(items), **fields)
        self.plans[plan.hash] = plan
        return plan

    def _item(self, t: Transaction) -> PlanItem:
        verdict, because = self.verdicts.get(t.id, (Verdict.SEND, None))
        return PlanItem(
            id=t.id,
            flow=t.flow,
            plant=t.plant,
            target=t.target,
            status=t.status,
            risk=t.risk,
            etag=t.etag,
            revision=t.revision,
            payload_sha256=t.payload_sha256,
            idempotency_key=t.idempotency_key,
            verdict=verdict,
            because=because,
            waits=t.id in self.waits or msgspec.UNSET,
        )

    def _run(self, plan: Plan) -> Batch:
        items = []
        for n, item in enumerate(plan.items):
            state, reason = self.ends.get(item.id, (ItemState.PROCESSED, None))
            if not item.runs:
                state, reason = ItemState.SKIPPED, item.because
            items.append(
                BatchItem(
                    n=n,
                    id=item.id,
                    flow=item.flow,
                    plant=item.plant,
                    target=item.target,
                    state=state,
                    status=None,
                    reason=reason,
                    updated_at=NOW,
                )
            )
        counts = {str(state): sum(item.state is state for item in items) for state in ItemState}
        batch = Batch(
            id=f"b{len(self.batches) + 1}",
            plan=plan.hash,
            action=plan.action,
            state=BatchState.DONE,
            reason=plan.reason,
            started_by="tester",
            started_at=NOW,
            finished_at=NOW,
            total=len(items),
            counts=counts,
        )
        self.batches[batch.id] = (batch, items)
        self.plans[plan.hash] = msgspec.structs.replace(plan, state=PlanState.RUN, batch=batch.id)
        running = {**{str(state): 0 for state in ItemState}, "planned": len(items)}
        return msgspec.structs.replace(batch, state=BatchState.RUNNING, finished_at=None, counts=running)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    answer = platform.answer(Asked(self.command, self.path, dict(self.headers), body))
                    status = 200
                    kind = _media(self.path)
                except AndonError as error:
                    status, kind = error.status, "application/problem+json"
                    answer = {"type": PROBLEM_BASE + error.problem, "title": error.title, "detail": error.detail}
                    answer |= error.extra
                content = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815

            def log_message(self, *_args: Any) -> None:
                pass

        return Handler


def filled(kind: type[S], /, **fields: Any) -> S:
    """A struct of that type with ``fields``, and something of the right type in every other one."""
    usual: dict[Any, Any] = {str: "x", int: 0, float: 1.0, bool: False, datetime: NOW}
    for field in msgspec.structs.fields(kind):
        if field.name in fields or not field.required:
            continue
        of = get_origin(field.type) or field.type
        if type(None) in get_args(field.type):
            fields[field.name] = None
        elif of in (list, dict):
            fields[field.name] = of()
        elif isinstance(of, type) and issubclass(of, Enum):
            fields[field.name] = next(iter(of))
        else:
            fields[field.name] = usual[of]
    return kind(**fields)


def transaction(tx_id: str, **fields: Any) -> Transaction:
    """A failed consumption, with ``fields`` over it."""
    usual: dict[str, Any] = {
        "id": tx_id,
        "flow": "material-consumption",
        "plant": "P02",
        "source": "MES",
        "target": "ERP",
        "status": Status.FAILED,
        "risk": Risk.FINANCIAL,
        "created_at": NOW - timedelta(minutes=40),
        "failed_at": NOW - timedelta(minutes=38),
        "due_at": NOW - timedelta(minutes=25),
        "overdue": True,
        "attempts": 4,
        "failure": Failure(
            kind=FailureKind.MASTER_DATA,
            help=FailureKind.MASTER_DATA.help,
            code="M3351",
            message="Material 4711-22 not maintained in plant P02",
            system="ERP",
        ),
        "group": "g1",
        "business_keys": {"lot": "L-0441", "order": "4700119"},
        "correlation_id": "c1",
        "causation_id": None,
        "idempotency_key": "k1",
        "key_origin": KeyOrigin.RECIPE,
        "content_type": "application/json",
        "payload_sha256": "ab" * 32,
        "revision": 0,
        "assignee": None,
        "owner": "mdm-team",
        "waiting_on": None,
        "superseded_by": None,
        "document": None,
        "etag": "e1",
    }
    return Transaction(**{**usual, **fields})


def group(fingerprint: str, **fields: Any) -> Group:
    """The group of :func:`transaction`, with ``fields`` over it."""
    usual: dict[str, Any] = {
        "flow": "material-consumption",
        "target": "ERP",
        "kind": FailureKind.MASTER_DATA,
        "help": FailureKind.MASTER_DATA.help,
        "code": "M3351",
        "template": "Material <id> not maintained in plant <id>",
        "count": 217,
        "first_seen": NOW - timedelta(hours=2),
        "last_seen": NOW - timedelta(minutes=2),
        "plants": {"P01": 3, "P02": 214},
        "oldest_failed_at": NOW - timedelta(minutes=38),
        "overdue": 41,
        "blocked": 48,
        "trend": [0, 0, 0, 1, 2, 5, 7, 8],
        "replayed": 12,
        "repeated": 9,
        "sample": "tx1",
        "owner": "mdm-team",
    }
    return Group(fingerprint=fingerprint, **{**usual, **fields})


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Platform]:
    one = Platform()
    monkeypatch.setenv("ANDON_URL", one.url)
    monkeypatch.setenv("ANDON_TOKEN", "token")
    monkeypatch.setenv("ANDON_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("ANDON_DATA_DIR", str(tmp_path / "data"))
    for name in ("ANDON_OUTPUT", "ANDON_CONTEXT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield one
    one.close()


class Ran:
    """A command that has ended."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = int(code)
        self.raw = out
        self.out = out.decode(errors="replace")
        self.err = err.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.raw)


@pytest.fixture
def andon(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Ran]:
    """Runs a command line in this process, where there is no terminal."""

    def run(*arguments: str) -> Ran:
        capfdbinary.readouterr()
        code = main(arguments)
        return Ran(code, *capfdbinary.readouterr())

    return run


@pytest.fixture
def stocked(platform: Platform) -> Platform:
    """A platform that answers everything that a command can ask, and the files that one can be given."""
    platform.stock()
    Path("exported.jsonl").write_bytes(platform.routes["GET", "audit/export"](None))
    Path("audit-key.json").write_bytes(msgspec.json.encode(platform.routes["GET", "audit/key"](None)))
    return platform
