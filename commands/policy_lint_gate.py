"""Rules before effects: what breaks one as an error is neither applied nor saved to be applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from commands.policy_files import describe, told
from commands.session import Session
from transactions.errors import Refused

if TYPE_CHECKING:
    from gateway_policies.findings import Finding
    from gateway_policies.loading import Loaded


def check_rules(session: Session, loaded: Loaded, folder: Path, environment: str | None) -> None:
    """Hold policies against the rules before anything comes of them. What is suppressed, with its reason and until its
    day, does not count; warnings are left to 'andon policy lint'.

    Raises:
        Refused: an error; all of them are on stderr.
    """
    errors = _broken(session, loaded, folder, environment)
    if not errors:
        return
    session.stderr.write(describe(told(folder, errors), session.look_err()))
    raise Refused(
        f"The policies in {str(folder)!r} break {_many(errors)}. Nothing was changed. Mend what is listed above, or "
        "suppress it in andon.toml with a reason and an end; 'andon policy lint' lists it again."
    )


def note_rules(session: Session, loaded: Loaded, folder: Path, environment: str | None) -> None:
    """Say that what is planned would not be applied, so that nobody takes a plan for a promise."""
    errors = _broken(session, loaded, folder, environment)
    if errors:
        session.note(
            f"The policies break {_many(errors)}, so 'andon policy apply' will refuse them; 'andon policy lint' says "
            "why."
        )


def _broken(session: Session, loaded: Loaded, folder: Path, environment: str | None) -> list[Finding]:
    from gateway_policies.findings import in_order, refuses
    from gateway_policies.linting import examine
    from gateway_policies.linting.files import texts_of
    from gateway_policies.model import Severity

    if loaded.policies is None:
        return []
    texts = texts_of(folder, [] if environment is None else [environment])
    found = examine(loaded.policies, loaded.places, session.clock.now().date(), texts=texts).findings
    return [each for each in in_order(found) if each.severity is Severity.ERROR] if refuses(found) else []


def _many(errors: list[Finding]) -> str:
    return "a rule" if len(errors) == 1 else f"rules in {len(errors):,} places"
