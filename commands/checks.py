"""What ``andon doctor`` looks at: each check says what it found, and what to do where that is not right."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum

from msgspec import Struct

from commands.session import Session
from commands.terminal import size_of
from commands.version import installed_version
from platforms.context_file import config_folder
from platforms.contexts import Resolved
from platforms.hub import server
from platforms.reach import tls
from transactions.errors import AndonError, Forbidden, Unauthenticated
from transactions.landscape import HubStatus

LOWEST_PYTHON = (3, 11)


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(Struct, frozen=True, kw_only=True):
    """One check; ``advice`` is what to do where it is not ok."""

    name: str
    grade: Grade
    found: str
    advice: str | None = None


def checks(session: Session) -> Iterator[Check]:
    """Every check, in the order in which they build on each other."""
    yield python()
    yield Check(name="andon", grade=Grade.OK, found=installed_version())
    yield terminal(session)
    yield folder(session)
    yield keyring()
    yield from way(session)


def python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """The interpreter's version."""
    found = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if version < LOWEST_PYTHON:
        return Check(name="python", grade=Grade.FAIL, found=found, advice="Install Python 3.11 or newer.")
    return Check(name="python", grade=Grade.OK, found=found)


def terminal(session: Session) -> Check:
    """What the console would run in."""
    if not session.interactive:
        return Check(
            name="terminal",
            grade=Grade.WARN,
            found="none",
            advice="Commands work; the console wants a terminal, and acting wants --yes.",
        )
    found = size_of(session.environ)
    encoding = (getattr(session.stdout, "encoding", "") or "").lower().replace("-", "")
    if encoding != "utf8":
        return Check(
            name="terminal", grade=Grade.WARN, found=f"{found}, {encoding}", advice="Use UTF-8: export LC_ALL=C.UTF-8"
        )
    size = os.get_terminal_size(session.stdout.fileno())
    if size.columns < 80 or size.lines < 24:
        return Check(name="terminal", grade=Grade.WARN, found=found, advice="Make it 80x24 or larger for the console.")
    return Check(name="terminal", grade=Grade.OK, found=found)


def folder(session: Session) -> Check:
    """The configuration folder."""
    path = config_folder(session.environ)
    if not path.exists():
        return Check(name="configuration", grade=Grade.OK, found=f"{path} (not there yet)")
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return Check(
            name="configuration",
            grade=Grade.FAIL,
            found=f"{path} cannot be read",
            advice="Mend its permissions, or point ANDON_CONFIG_DIR elsewhere.",
        )
    if not os.access(path, os.W_OK):
        return Check(
            name="configuration",
            grade=Grade.WARN,
            found=f"{path} cannot be written to",
            advice="Contexts cannot be changed; mend its permissions to do so.",
        )
    return Check(name="configuration", grade=Grade.OK, found=str(path))


def keyring() -> Check:
    """Where tokens would be stored, and whether it can be used now."""
    from platforms.errors import NoStorage
    from platforms.signin.entries import Key
    from platforms.signin.keyring_store import open_keyring

    try:
        store = open_keyring()
        store.load(Key(origin="doctor"))
    except NoStorage as error:
        return Check(
            name="keyring",
            grade=Grade.WARN,
            found=error.detail.split(". ")[0],
            advice="Unlock or start a keyring service, or set ANDON_TOKEN for each run.",
        )
    return Check(name="keyring", grade=Grade.OK, found=store.backend_name)


def way(session: Session) -> Iterator[Check]:
    """Context, platform, token and versions; ends at the first that fails, as the rest would only repeat it."""
    try:
        resolved = session.resolved
        address = resolved.address
    except AndonError as error:
        yield failed("context", error)
        return
    yield Check(
        name="context", grade=Grade.OK, found=f"{resolved.name}: {resolved.url}, chosen by {resolved.chosen_by}"
    )
    if address.scheme == "http" and not address.loopback:
        yield Check(
            name="transport",
            grade=Grade.WARN,
            found="plain HTTP to another machine",
            advice="The token travels in clear text. Put the platform behind https.",
        )
    yield attempt("certificates", lambda: _certificates(session))
    try:
        status = session.send(server.status())
    except (Unauthenticated, Forbidden) as error:
        yield Check(name="platform", grade=Grade.OK, found=f"answers at {resolved.url}")
        yield Check(
            name="token",
            grade=Grade.FAIL,
            found=f"refused ({error.title.lower()}); {resolved.token_from}",
            advice="Sign in with 'andon login', or set ANDON_TOKEN to a valid token.",
        )
        return
    except AndonError as error:
        yield failed("platform", error)
        return
    yield Check(name="platform", grade=Grade.OK, found=f"{status.platform} answers at {resolved.url}")
    yield store(status)
    yield token(session, resolved)
    yield audit_tail(session)
    yield versions(installed_version(), status.version)


def store(status: HubStatus) -> Check:
    """Whether the platform's store takes writes."""
    if status.no_writes_since is None:
        return Check(name="store", grade=Grade.OK, found=f"{status.database}, takes writes")
    return Check(
        name="store",
        grade=Grade.FAIL,
        found=f"takes no writes since {status.no_writes_since:%Y-%m-%d %H:%M} UTC ({status.no_writes_because})",
        advice="Make room on the disk of the hub's data folder; what waits goes on by itself then.",
    )


def token(session: Session, resolved: Resolved) -> Check:
    """Who the platform takes the token's bearer for, and where the token came from."""
    try:
        found = f"accepted for {session.send(server.whoami()).subject}, from {resolved.token_from}"
    except AndonError as error:
        return failed("token", error)
    if resolved.warning is not None:
        return Check(
            name="token",
            grade=Grade.WARN,
            found=found,
            advice="Where there is a keyring, sign in again without --insecure-storage.",
        )
    return Check(name="token", grade=Grade.OK, found=found)


def audit_tail(session: Session) -> Check:
    """Whether the newest entries of the audit chain hold, and the platform still has the key that is pinned."""
    from commands.audit_tail import look

    return attempt("audit", lambda: look(session))


def versions(own: str, theirs: str) -> Check:
    """Whether both sides are of one version."""
    if own == theirs:
        return Check(name="versions", grade=Grade.OK, found=f"both {own}")
    return Check(
        name="versions",
        grade=Grade.WARN,
        found=f"here {own}, platform {theirs}",
        advice="Bring both to one version; an older one may not read what a newer one says.",
    )


def attempt(name: str, look: Callable[[], str]) -> Check:
    """A check that is ok when it raises no error."""
    try:
        return Check(name=name, grade=Grade.OK, found=look())
    except AndonError as error:
        return failed(name, error)


def failed(name: str, error: AndonError) -> Check:
    """A check that ended in an error: its first line is what was found, its last what to do."""
    from commands.complaints import lines_of

    lines = lines_of(error)
    return Check(name=name, grade=Grade.FAIL, found=lines[0], advice=lines[-1])


def _certificates(session: Session) -> str:
    from platforms.reach import endpoint_of

    endpoint = endpoint_of(session.resolved)
    tls(endpoint)
    if not endpoint.secure:
        return "none wanted"
    return endpoint.ca or "the machine's own"
