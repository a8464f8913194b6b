"""Writes ``docs/policies/rules.md`` from the rules themselves: ``python -m gateway_policies.linting.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway_policies.linting.registry import BOOKS
from gateway_policies.linting.rule import Rule
from gateway_policies.loading import EXPLANATIONS

PLACE = Path("docs/policies/rules.md")

_TOP = """\
# Rules for policies

Generated from the rules by `python -m gateway_policies.linting.reference`; a test fails when it is stale.

`andon policy lint` holds the policies against these rules, and exits 6 when one that is an error is broken.
`andon policy lint --explain RULE` says what stands here. Severities are set, and known findings suppressed, in
`andon.toml`:

```toml
[lint]
scope-unused = "error"            # error | warning | off

[[suppress]]
rule = "grant-expiring"
address = "consumer.mes-p03.*"    # * is anything
reason = "renewal in progress"
until = 2027-01-31                # the last day on which it counts
```

Few rules are errors: what is open to everybody, what cannot be meant, what ends in an outage. A pipeline that is to
stop for more says so in `[lint]`. Dates are held against today, in UTC.

`--fix` mends what does not change what the gateway does, and leaves every decision to people. It touches only the base,
and only what is broken with every environment too.

`--format sarif` writes SARIF 2.1.0 for code hosts and editors, `--format github` annotations of a workflow,
`--format gitlab` a report for Code Quality, and `--format json` a report whose `format` names its version.
"""


def reference() -> str:
    """The whole page."""
    return _TOP + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for book in BOOKS:
        yield ""
        yield f"## {book.title}"
        for rule in book.rules:
            yield from _rule(rule)
    yield ""
    yield "## Loading"
    yield ""
    yield "What cannot be loaded is an error unless it says so, and is told by every command that reads policies."
    yield ""
    yield "| rule | what breaks it |"
    yield "| --- | --- |"
    for name, text in EXPLANATIONS.items():
        yield f"| `{name}` | {text} |"


def _rule(rule: Rule) -> Iterator[str]:
    yield ""
    yield f"### {rule.id}"
    yield ""
    yield f"**{rule.severity.capitalize()}**: {rule.title}."
    yield ""
    yield f"{rule.why} {rule.help}"
    if rule.fixes:
        yield ""
        yield f"`--fix` {rule.fixes}."


if __name__ == "__main__":
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(reference(), encoding="utf-8")
