"""`lethe doctor`: what is wrong with a server and its machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from serving.cli.console import console
from serving.cli.output import output_options, show

if TYPE_CHECKING:
    from serving.doctor.finding import Finding

STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}


@output_options
def doctor(
    url: Annotated[
        str, typer.Option(help="Base URL of the data plane, without /v1; default: that of the settings.")
    ] = "",
    data_dir: Annotated[Path | None, typer.Option(help="The server's data folder.")] = None,
) -> None:
    """Examine the server and this machine, and say what to do; status 1 if something fails.

    It works while the server is down, too: the registry's file is read then.
    """
    from serving.doctor.examination import examine

    found = list(examine(url, data_dir))
    failed = [one for one in found if one.level == "fail"]
    show(
        {"healthy": not failed, "findings": [asdict(one) for one in found]},
        lambda: _print(found),
        (one.check.replace(" ", "_") for one in failed),
    )
    if failed:
        raise typer.Exit(1)


def _print(found: list[Finding]) -> None:
    if not console.is_terminal:
        for one in found:
            typer.echo("\t".join((one.level, one.check, one.detail, one.advice, one.page)))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in found:
        table.add_row(Text(one.level, STYLES[one.level]), one.check, Text(one.detail))
        if one.advice:
            link = f" (docs/{one.page})" if one.page else ""
            table.add_row("", "", Text(f"{one.advice}{link}", "dim"))
    console.print(table)
