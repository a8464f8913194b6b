"""The options of commands that act, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands import completing
from transactions.plans import Resolution

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of transactions.", show_default=False)]
Filter = Annotated[
    str | None,
    typer.Option("--filter", metavar="Q", help="All that match this filter.", autocompletion=completing.filters),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Store and print the plan, and run nothing.")]
PlanOut = Annotated[Path | None, typer.Option("--plan-out", metavar="FILE", help="Write the plan to a file.")]
PlanFrom = Annotated[str | None, typer.Option("--plan", metavar="FILE|HASH", help="Run this plan.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where nobody can be asked.")]
Rate = Annotated[str | None, typer.Option("--rate", metavar="N/s", help="Deliveries per second at most, like 20/s.")]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", min=1, help="Deliveries at one time at most.")
]
Canary = Annotated[int | None, typer.Option("--canary", metavar="N", min=0, help="Items in the first wave.")]
StopAfter = Annotated[
    int | None,
    typer.Option("--stop-after-failures", metavar="N", min=1, help="Stop when the same failure came this often."),
]
ForceSuperseded = Annotated[bool, typer.Option("--force-superseded", help="Send what a newer version replaced.")]
ForceSchema = Annotated[
    bool, typer.Option("--force-schema", help="Send what does not fit its schema. Audited; may want a second person.")
]
BreakGlass = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help="Without the second person it wants: a permission of that name; somebody else reviews it within a day.",
    ),
]
ForceMaybePosted = Annotated[
    bool,
    typer.Option(
        "--force-maybe-posted",
        help="Send what somebody may have posted by hand; named ids only, and a second person for what is sensitive.",
    ),
]
Evidence = Annotated[
    str | None,
    typer.Option("--evidence", metavar="TEXT", help='What shows it, like "document 4900012345"; kept in the audit.'),
]
As = Annotated[
    Resolution | None, typer.Option("--as", metavar="applied|not-applied", help="What became of it in the target.")
]
Process = Annotated[
    bool, typer.Option("--process", help="Everything with the same correlation id as the transactions named.")
]
Day = Annotated[
    str | None,
    typer.Option("--date", metavar="DAY", help="Post the reversals on this day, like 2026-12-01, in an open period."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Put a value where the path (JSONPath, in XML XPath) finds something; PATH:=JSON for one that is no text. "
        "May be given again.",
    ),
]
Patch = Annotated[
    Path | None, typer.Option("--patch", metavar="FILE", help="A JSON Patch (RFC 6902), for each of them.")
]
DocumentFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="The whole new document, of one.")]
Drafts = Annotated[bool, typer.Option("--drafts", help="Send the drafts that are stored.")]
DraftOnly = Annotated[bool, typer.Option("--draft", help="Store a draft of one, and send nothing.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end.")]
