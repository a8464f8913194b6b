"""A shift that works off an incident by what the causes advise, with the admin API and nothing else.

People who mend something elsewhere are played by switching off what they were asked to mend, and by nothing more.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
from incidents import Incident, touches

SECONDS = 60.0
_REASON = "as the causes advise"
_PATIENCE = 6.0
"""Seconds that people wait for what a system says to change."""
_UNITS = {"KIL": "KG", "STK": "EA", "STD": "H"}


class Shift:
    """Two people at a hub, and somebody who can see the simulator.

    Args:
        url: of the hub.
        token: of an admin, who adds the two.
    """

    def __init__(self, url: str, token: str) -> None:
        self.api = self._client(url, token)
        self.operator = self._client(url, self._person("ann", "operator"))
        self.approver = self._client(url, self._person("bob", "approver"))
        self.notes: list[str] = []
        self.kept: set[str] = set()
        """What was not taken back, since something was built on it that stays."""

    def close(self) -> None:
        """Hang up."""
        for one in (self.api, self.operator, self.approver):
            one.close()

    def _client(self, url: str, token: str) -> httpx.Client:
        return httpx.Client(base_url=f"{url}/admin/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def _person(self, name: str, role: str) -> str:
        self.api.post("users", json={"name": name, "roles": [role]}).raise_for_status()
        return str(self.api.post(f"users/{name}/token", json={}).raise_for_status().json()["token"])

    # What happens in the plants.

    def emit(self, documents: int) -> None:
        """Let the sources send so many documents, and wait until nothing moves."""
        begun = self.api.get("simulator/state").json()["emitted"]
        self.api.post("simulator/resume", params={"documents": documents}).raise_for_status()
        self.until(lambda: self.api.get("simulator/state").json()["emitted"] >= begun + documents)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way; what a breaker lets through again and again may go on."""
        self.api.post("simulator/drain", timeout=60)

    def books(self) -> dict[str, Any]:
        """What the simulator knows."""
        return dict(self.api.get("simulator/books").json())

    def until(self, ready: Callable[[], object], within: float = SECONDS) -> bool:
        """Look until something is so; False where it never was."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if ready():
                return True
            time.sleep(0.05)
        return False

    # What people look at.

    def found(self, question: str = "") -> list[dict[str, Any]]:
        """All transactions that match."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"filter": question, "limit": 1000, "sort": "created_at"} | ({"cursor": cursor} if cursor else {})
            page = self.operator.get("transactions", params=params).raise_for_status().json()
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def causes(self) -> dict[str, Any]:
        """The causes, with what the systems say when they are asked."""
        return dict(self.operator.get("causes", params={"reconcile": True}).raise_for_status().json())

    # What they do.

    def work_off(self, incident: Incident, told: dict[str, Any]) -> None:
        """Take every step, in the order of the advice."""
        self.kept.clear()
        causes = {cause["id"]: cause for cause in told["items"]}
        for step in told["order"]:
            self._take(incident, step, causes[step["cause"]])
        self.settle()

    def _take(self, incident: Incident, step: dict[str, Any], cause: dict[str, Any]) -> None:
        match step["do"]:
            case "mend":
                self._mended(incident, cause)
            case "hold" | "release":
                place = {name: step[name] for name in ("flow", "plant") if step[name] is not None}
                self._act(step["do"], options=place)
            case "wait":
                self.until(lambda: not self.found(step["filter"]))
            case "resolve":
                self._resolve(step)
            case "edit":
                self._edit(step, cause)
            case "correct":
                for tx_id in step["ids"]:
                    self._correct(tx_id)
            case "replay":
                self._act("replay", filter=step["filter"], options={"canary": 1})
            case "reopen" | "discard" | "compensate":
                if step["ids"]:
                    self._act(step["do"], ids=step["ids"])
                else:
                    self._act(step["do"], filter=step["filter"])
            case other:
                raise AssertionError(f"a step that nobody can take: {other}")

    def _mended(self, incident: Incident, cause: dict[str, Any]) -> None:
        for fault in [one for one in incident.active if touches(cause, one)]:
            self.api.put("simulator/faults", json={"on": False, "name": fault.name, **fault.place}).raise_for_status()
            incident.active.remove(fault)

    def _act(self, action: str, **wanted: Any) -> None:
        """Plan it, run it, have it approved where it wants a second person, and wait for its end."""
        asked = {"action": action, "reason": _REASON, **wanted}
        answer = self.operator.post("plans", json=asked)
        if "Ask again soon" in answer.text:  # a late posting can still land: people do ask again
            self.until(lambda: "Ask again soon" not in self.operator.post("plans", json=asked).text)
            answer = self.operator.post("plans", json=asked)
        if answer.status_code != 201:
            self.notes.append(f"{action}: {answer.status_code} {answer.json().get('detail')}")
            return
        plan = answer.json()
        self.kept |= {item["id"] for item in plan["items"] if "Reverse that first" in (item["because"] or "")}
        if plan["items"] and not any(item["verdict"] == "send" or item.get("waits") for item in plan["items"]):
            self.notes.append(f"{action}: nothing to do, {plan['items'][0]['because']}")
            return
        if not plan["items"] and action not in ("hold", "release"):
            return
        answer = self.operator.post(f"plans/{plan['hash']}/run")
        if answer.status_code == 409 or "second" in answer.text:
            answer = self.approver.post(f"plans/{plan['hash']}/approve", json={"reason": "looked at it"})
        if answer.status_code >= 300:
            self.notes.append(f"{action}: {answer.status_code} {answer.text[:300]}")
            return
        self.until(lambda: self._ended(plan["hash"]))

    def _ended(self, plan: str) -> bool:
        batch = self.operator.get(f"plans/{plan}").json()["batch"]
        return batch is not None and self.operator.get(f"batches/{batch}").json()["finished_at"] is not None

    def _resolve(self, step: dict[str, Any]) -> None:
        for one in self.found(step["filter"]):
            number = re.search(r"\((\d{6,})", (one["failure"] or {}).get("message", ""))
            evidence = f"document {number[1]}" if number else "compared with what the system holds"
            became = "applied"
            if number is None and not self.until(lambda one=one: one["id"] not in self._missing(), _PATIENCE):
                if one["status"] != "in-doubt":
                    continue  # its people have not posted it yet
                became = "not-applied"
            self._act("resolve", ids=[one["id"]], options={"resolve_as": became, "evidence": evidence})

    def _missing(self) -> set[str]:
        """Shipment statuses that the customers' portal does not have, as it says itself when it is compared."""
        told = self.operator.get("reconciliation/shipments").raise_for_status().json()
        lacking = {
            (item["keys"]["shipment"], item["field"])
            for item in told["items"]
            for side in item["said"]
            if side["system"] == "customer-portal" and side["differs"]
        }
        fields = {"AF": "departed", "D1": "delivered"}
        return {
            one["id"]
            for one in self.found("target:customer-portal")
            for keys in [one["business_keys"]]
            if (keys["shipment"], fields.get(keys["shipment_status"])) in lacking
        }

    def _edit(self, step: dict[str, Any], cause: dict[str, Any]) -> None:
        ids = []
        for one in self.found(step["filter"]):
            raw = self.operator.get(
                f"transactions/{one['id']}/payload", headers={"Accept": "application/octet-stream"}
            ).raise_for_status()
            mended = _MEND[cause["kind"]](raw.content)
            answer = self.operator.patch(
                f"transactions/{one['id']}/payload",
                params={"reason": _REASON},
                content=mended,
                headers={"Content-Type": one["content_type"], "If-Match": f'"{one["etag"]}"'},
            )
            if answer.status_code == 200:
                ids.append(one["id"])
            else:
                self.notes.append(f"edit: {answer.json().get('detail')}")
        if ids:
            self._act("edit", ids=ids, options={"canary": 1})

    def _correct(self, tx_id: str) -> None:
        content = self.operator.get(f"transactions/{tx_id}/payload").raise_for_status().json()["content"]
        steps = [
            {"op": "replace", "path": path, "value": format((Decimal(value) * 1000).normalize(), "f")}
            for path, value in _quantities(json.loads(content), "")
        ]
        self._act("correct", ids=[tx_id], options={"patch": steps})


def _lots(content: bytes) -> bytes:
    return re.sub(rb"\b([A-Z]\d\d)-O(\d{5})\b", rb"\1-0\2", content)


def _units(content: bytes) -> bytes:
    for foreign, ours in _UNITS.items():
        content = re.sub(rf'(UnitOfMeasure"?[:>]\s*"?){foreign}\b'.encode(), rf"\g<1>{ours}".encode(), content)
    return content


def _names(content: bytes) -> bytes:
    return content.replace(b"QuantityValue", b"QuantityString")


_MEND: dict[str, Callable[[bytes], bytes]] = {"unknown-lot": _lots, "unit": _units, "schema": _names}
"""What somebody who knows the documents makes of them."""


def _quantities(node: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(node, list):
        return [found for place, each in enumerate(node) for found in _quantities(each, f"{path}/{place}")]
    if not isinstance(node, dict):
        return []
    found = []
    for name, value in node.items():
        if name == "QuantityString":
            found.append((f"{path}/{name}", str(value)))
        else:
            found += _quantities(value, f"{path}/{name}")
    return found
