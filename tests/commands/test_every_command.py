"""Every command in every form of output: the shapes that scripts rely on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
import yaml

from commands.app import Root
from commands.catalogue import ENTRIES
from commands.main import open_console
from commands.output import Form

Andon = Callable[..., Any]
PLAN_HASH = "ab" * 32

LISTS: dict[str, tuple[str, ...]] = {
    "tx list": (),
    "tx timeline": ("tx1",),
    "tx assign": ("tx1", "--to", "me"),
    "tx note": ("tx1", "hello"),
    "groups list": (),
    "groups causes": (),
    "batches list": (),
    "systems list": (),
    "audit list": (),
    "approvals list": (),
    "context list": (),
    "doctor": (),
    "hub simulate list": (),
    "hub simulate on": ("target-down",),
    "hub simulate off": (),
    "hub users list": (),
    "policy revisions": (),
    **{f"gateway {word}": () for word in ("apis", "versions", "scopes", "consumers", "throttles")},
}
THINGS: dict[str, tuple[str, ...]] = {
    "tx show": ("tx1",),
    "tx payload": ("tx1",),
    "tx plan": ("tx1", "--reason", "r"),
    "tx replay": ("tx1", "--reason", "r", "--yes"),
    "tx edit": ("tx1", "--reason", "r", "--yes", "--set", "$.a=b"),
    "tx correct": ("tx1", "--reason", "r", "--yes", "--set", "$.a=b"),
    "tx discard": ("tx1", "--reason", "r", "--yes"),
    "tx restore": ("tx1", "--reason", "r", "--yes"),
    "tx resolve": ("tx1", "--reason", "r", "--yes", "--as", "applied", "--evidence", "document 1"),
    "tx compensate": ("tx1", "--reason", "r", "--yes"),
    "systems hold": ("ERP", "--reason", "r", "--yes"),
    "systems release": ("ERP", "--reason", "r", "--yes"),
    "groups show": ("g1",),
    "batches show": ("b1",),
    "batches watch": ("b1",),
    "batches cancel": ("b1",),
    "batches pause": ("b1",),
    "batches resume": ("b1",),
    "batches retry-failed": ("b1", "--reason", "r", "--yes"),
    "stop": ("--reason", "r"),
    "handover": (),
    "approvals show": (PLAN_HASH,),
    "approvals approve": (PLAN_HASH, "--reason", "r"),
    "approvals reject": (PLAN_HASH, "--reason", "r"),
    "hub status": (),
    "hub books": (),
    "hub simulate pause": (),
    "hub simulate resume": (),
    "hub simulate drain": (),
    "audit export": ("--out", "audit.jsonl"),
    "audit verify": ("exported.jsonl", "--key", "audit-key.json"),
    "audit key": (),
    "hub users add": ("kim", "--role", "operator"),
    "hub users remove": ("kim",),
    "hub users token": ("kim",),
    "gateway token": ("mes-p01",),
    "gateway status": (),
    "whoami": (),
    "logout": (),
    "context show": (),
}
RECONCILE = {f"reconcile {kind}" for kind in ("orders", "inventory", "holds", "lots", "shipments")}
"""A thing as JSON, and its differences one by one as lines: held in test_reconcile."""
# kpis too: held in test_kpis; gateway usage: held in test_gateway_usage
# what reads files alone: held in test_policy_*
# tx lineage and tx related as well: held in test_lineage
OTHERS = {
    "tx watch",
    "tx lineage",
    "tx related",
    "tx export",
    "hub serve",
    "hub seed",
    "hub send",
    "demo",
    "completion",
    "login",
    "kpis",
    "gateway usage",
    "gateway import",
    *RECONCILE,
    *(
        f"policy {word}"
        for word in (
            *("init", "validate", "fmt", "schema", "lint", "contracts"),
            *("plan", "apply", "drift", "export", "rollback", "suggest", "simulate", "impact", "trial"),
        )
    ),
}
QUIET = {"context use", "context add", "context remove"}
PLANNING = frozenset(name for name in THINGS if THINGS[name][1:2] == ("--reason",) and not name.startswith("approvals"))
ANSWERS = sorted([*LISTS.items(), *THINGS.items()])


def every_command() -> Iterator[tuple[str, Any]]:
    root = Root(open_console)
    context = typer.Context(root, info_name="andon")  # type: ignore[arg-type]

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name, command
        for child, inner in (children or {}).items():
            yield from walk(f"{name} {child}", inner)

    for entry in ENTRIES:
        if entry.name != "transactions":
            yield from walk(entry.name, root.get_command(context, entry.name))


COMMANDS = dict(every_command())


def test_every_command_is_tried_here() -> None:
    assert set(COMMANDS) - OTHERS - QUIET == {*LISTS, *THINGS}


@pytest.mark.parametrize(("name", "more"), ANSWERS)
def test_machines_get_one_shape_in_every_form(andon: Andon, stocked: Any, name: str, more: tuple[str, ...]) -> None:
    def run(form: Form) -> Any:
        ran = andon(*name.split(), *more, "-q", "-o", form)
        assert (ran.code, ran.err) == (0, "")
        return ran

    told = run(Form.JSON)
    assert told.out.endswith("}\n")
    if name in LISTS:
        assert set(told.json) == {"items", "next_cursor"}
    items = told.json["items"] if name in LISTS else [told.json]
    lines = [json.loads(line) for line in run(Form.JSONL).out.splitlines()]
    read = yaml.safe_load(run(Form.YAML).out)
    if name in PLANNING:
        # Each run makes a plan, with a hash and a batch, of its own.
        assert [set(line) for line in lines] == [set(read)] == [set(each) for each in items]
    else:
        assert lines == items
        assert read == told.json
    rows = run(Form.CSV)
    head, *cells = list(csv.reader(io.StringIO(rows.out)))
    assert len(set(head)) == len(head)
    assert [len(row) for row in cells] == [len(head)] * len(items)
    assert rows.raw.count(b"\r\n") == len(items) + 1
    ids = run(Form.ID).out.splitlines()
    assert len(ids) == len(items)
    assert all(line and line == line.strip() for line in ids)


@pytest.mark.parametrize(("name", "more"), ANSWERS)
def test_people_get_no_braces_and_no_colours_in_a_pipe(
    andon: Andon, stocked: Any, name: str, more: tuple[str, ...]
) -> None:
    ran = andon(*name.split(), *more)
    assert ran.code == 0, ran.err
    assert ran.out.strip()
    assert "\x1b" not in ran.out + ran.err
    assert ran.out.endswith("\n")
    if name != "tx payload":
        assert "{" not in ran.out
    assert not any(line != line.rstrip() for line in ran.out.splitlines())


@pytest.mark.parametrize(
    "name", ["tx discard", "tx resolve", "tx compensate",
             "tx replay", "tx restore", "tx plan", "systems hold", "systems release", "batches cancel",
             "hub simulate on", "hub simulate off", "hub simulate pause", "hub simulate resume", "hub simulate drain"]
)  # fmt: skip
def test_read_only_refuses_whatever_changes_something(andon: Andon, stocked: Any, name: str) -> None:
    more = THINGS.get(name) or LISTS.get(name, ())
    ran = andon("--read-only", *name.split(), *more)
    assert (ran.code, ran.out) == (6, "")
    assert "read-only" in ran.err
    assert {each.method for each in stocked.asked} <= {"GET"}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - OTHERS))
def test_a_form_that_is_none_is_refused_before_anything(andon: Andon, stocked: Any, name: str) -> None:
    given = {"context use": ("a",), "context add": ("a",), "context remove": ("a",)}
    more = THINGS.get(name) or LISTS.get(name) or given.get(name, ())
    ran = andon(*name.split(), *more, "-o", "JSON")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].strip() == f"Use one of: {', '.join(Form)}."
    assert stocked.asked == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_help_reads_well(andon: Andon, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    ran = andon(*name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: andon {name} ")
    assert "..." not in ran.out.partition("\n")[2].replace("[ID]...", "")
    assert "<" not in ran.out.replace("<=", "").replace("x>=", ""), "a value without a name"
    assert max(map(len, ran.out.splitlines())) <= 100
    command = COMMANDS[name]
    assert command.help.rstrip().endswith(".") or name == "completion"
    for param in command.params:
        assert getattr(param, "help", None) or param.hidden, f"{name}: {param.name} says nothing of itself"


@pytest.mark.parametrize("name", ["tx", "hub", "hub simulate", "batches", "systems", "audit", "context"])
def test_every_group_lists_its_commands_in_whole_sentences(
    andon: Andon, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    ran = andon(*name.split(), "-h")
    assert ran.code == 0
    told = ran.out.partition("Commands:\n")[2].splitlines()
    assert told
    assert not [line for line in told if line.endswith("...")]
