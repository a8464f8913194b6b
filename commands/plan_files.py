"""Plans as files: canonical JSON, written whole or not at all, and held against their own hash when read."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import msgspec

from commands.exits import Usage
from transactions.errors import NotFound, PlanAltered
from transactions.plans import Plan, count_verdicts, plan_hash
from transactions.untrusted import parse_json, repeated_member

_HASH = re.compile(r"[0-9a-f]{12,64}")


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan: into a file beside it, then over it.

    Raises:
        Usage: the place cannot be written to.
    """
    from transactions.canonical import canonical

    folder = path.parent
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(canonical(plan))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Usage(
            f"The plan cannot be written to {path}: {error.strerror or error}. "
            f"It is stored on the platform as {plan.hash}, and nothing was run. "
            f"Give another --plan-out, or run it with --plan {plan.hash[:12]}."
        ) from error


def read_plan(path: Path) -> Plan:
    """Read a plan that :func:`write_plan` wrote.

    Raises:
        PlanAltered: not a plan, or one that was edited since.
        Usage: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Usage(f"The plan {path} cannot be read: {error.strerror or error}. Nothing was sent.") from error
    try:
        plan = parse_json(content, Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanAltered(
            f"{path} is not a plan as andon writes it ({error}). Nothing was sent. "
            "Make one with --dry-run --plan-out FILE."
        ) from error
    repeated = repeated_member(content)
    if repeated is not None:
        raise PlanAltered(
            f"The plan in {path} has {repeated!r} twice in one place, so two readers could read two plans in it. "
            "Nothing was sent. Make a new plan instead of changing one."
        )
    # Beside the hashed body, a file has fields that are told from it, and none that andon does not write.
    same = msgspec.json.decode(content) == msgspec.json.decode(msgspec.json.encode(plan))
    if not same or plan_hash(plan.body()) != plan.hash or plan.verdicts != count_verdicts(plan.items):
        raise PlanAltered(
            f"The plan in {path} does not match its hash {plan.hash[:12]}…: it was edited after it was made. "
            "Nothing was sent. Make a new plan instead of changing one."
        )
    return plan


def plan_named(text: str) -> Path | str:
    """What ``--plan`` names: a file that is there, else a hash.

    Raises:
        Usage: neither.
        NotFound: it looks like a file and is not there.
    """
    path = Path(text)
    if path.is_file():
        return path
    if _HASH.fullmatch(text.lower()):
        return text.lower()
    if path.suffix or path.parent != Path():
        raise NotFound(f"There is no plan file {text}. Nothing was sent. Check the path, or give the plan's hash.")
    raise Usage(
        f"--plan {text!r} is neither a file nor the hash of a plan. Nothing was sent. "
        "A hash has 12 to 64 characters of 0-9 and a-f; a file comes from --plan-out."
    )
