"""``andon kpis``: key figures of a window, and the report on a week's service levels."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from commands import completing
from commands.app import Word
from commands.exits import Usage
from commands.kpi_view import COLUMNS, describe
from commands.output import Detail, Form, Listing
from commands.session import Session, session_of
from platforms.hub import kpis as calls
from transactions.errors import Invalid
from transactions.kpis.model import Kpi, KpiReport
from transactions.kpis.slo import SloFlow, SloReport, markdown

app = Word()


class Report(StrEnum):
    """What ``--report`` takes."""

    SLO = "slo"


class Written(Struct, frozen=True, kw_only=True):
    """What was written; ``size`` in bytes."""

    file: str
    week: str
    size: int


@app.verb()
def kpis(
    ctx: typer.Context,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="W",
            help="1h, 8h, 24h, 7d, shift, or FROM..TO like 2026-11-20..2026-11-21T06:00 (UTC). Default 24h.",
        ),
    ] = None,
    plant: Annotated[
        str | None,
        typer.Option("--plant", metavar="PLANT", help="Only of this plant.", autocompletion=completing.plants),
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="FLOW", help="Only of this flow.", autocompletion=completing.flows)
    ] = None,
    report: Annotated[
        Report | None,
        typer.Option("--report", metavar="slo", help="Instead: how the flows kept their service levels in a week."),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option("--week", metavar="W", help="With --report: 2026-W47, this or last. Default last."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --report: write the Markdown there; else to stdout."),
    ] = None,
) -> None:
    """Key figures of a window, compared with the window before: latency, failures, replays, ageing, propagation.

    What each of them counts is written in docs/reference/kpis.md.
    """
    session = session_of(ctx)
    if report is None and (week is not None or out is not None):
        raise Usage("--week and --out are about a report. Nothing was asked. Add --report slo, or leave them out.")
    if report is not None and window is not None:
        raise Usage("--window is about key figures, and a report is of a week. Leave it out, or use --week.")
    try:
        if report is None:
            _show(session, session.send(calls.kpis(window, plant=plant, flow=flow)))
        else:
            _tell(session, session.send(calls.service_levels(week, plant=plant, flow=flow)), out)
    except Invalid as error:
        # What is wrong with a question is wrong with the line: --window, most of all.
        raise Usage(error.detail) from error


def _show(session: Session, found: KpiReport) -> None:
    if session.form in (Form.JSON, Form.YAML, Form.TABLE):
        session.show(Detail(value=found, human=lambda look: describe(found, look), identify=lambda _: ""))
        return
    session.show(Listing(of=Kpi, items=found.items, columns=COLUMNS, empty="There are no key figures.", identify=_name))


def _name(each: Kpi) -> str:
    return each.name


def _tell(session: Session, found: SloReport, out: Path | None) -> None:
    if out is not None:
        from commands.whole_file import whole_file

        content = markdown(found).encode()
        with whole_file(out) as put:
            put(content)
        done = Written(file=str(out), week=found.week, size=len(content))
        said = f"The service levels of week {found.week} are in {out}.\n"
        session.show(Detail(value=done, human=lambda _: said, identify=lambda each: each.file))
        return
    if session.form in (Form.JSON, Form.YAML, Form.TABLE):
        session.show(Detail(value=found, human=lambda _: markdown(found), identify=lambda _: ""))
        return
    session.show(
        Listing(
            of=SloFlow,
            items=found.flows,
            columns=(),
            empty="Nothing fell due.",
            identify=lambda each: each.flow,
        )
    )
