"""How a command prints what it found: a table or a line for people, JSON with --json, ids alone with --quiet."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.text import Text

from serving.cli.console import Output, console, errors
from serving.cli.console import output as asked

GAP = 2
MIN_WIDTH = 12
"""Cells that the column which is folded keeps at least."""


_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_QUIET = Annotated[bool, typer.Option("--quiet", help="Print ids alone, and no progress.")]


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options --json and --quiet, which `show` obeys."""

    @functools.wraps(command)
    def with_output(*, as_json: bool, quiet: bool, **arguments: Any) -> None:
        token = asked.set(Output(as_json, quiet))
        try:
            command(**arguments)
        finally:
            asked.reset(token)

    signature = inspect.signature(command, eval_str=True)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in (("as_json", _JSON), ("quiet", _QUIET))
    ]
    parameters = [*signature.parameters.values(), *options]
    with_output.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_output


def show(value: object, text: Callable[[], object], ids: Iterable[str] = ()) -> None:
    """Print `value` as JSON with --json, `ids` a line each with --quiet, else what `text` prints.

    value  an answer of the admin plane, or what `json` takes
    """
    output = asked.get(Output())
    if output.json:
        plain = getattr(value, "model_dump", None)
        members = plain(mode="json") if plain else value
        typer.echo(json.dumps(members, ensure_ascii=False, indent=2))
    elif output.quiet:
        for id in ids:
            typer.echo(id)
    show_text(text)


def show_text(text: Callable[[], object]) -> None:
    """Call what prints for people, unless --json or --quiet says otherwise."""
    if asked.get(Output()) == Output():
        text()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], less_important: Sequence[str] = ()) -> None:
    """Print a table: aligned to the width of a terminal, else tab-separated lines with every cell whole.

    less_important  columns that are left out where a terminal is too narrow for all, the last of them first
    """
    cells = [[*row] for row in rows]
    if not console.is_terminal:
        for row in (columns, *cells):
            typer.echo("\t".join(row))
        return
    kept = _fitting(columns, cells, less_important, console.width)
    console.print(_drawn([columns[place] for place in kept], [[row[place] for place in kept] for row in cells]))
    left_out = [name for place, name in enumerate(columns) if place not in kept]
    if left_out:
        errors.print(f"left out for want of room: {', '.join(left_out)} (--json has all)", style="dim")


def _fitting(
    columns: Sequence[str], rows: Sequence[Sequence[str]], less_important: Sequence[str], width: int
) -> list[int]:
    """Return the places of the columns that fit, the widest of them folded to no less than MIN_WIDTH."""
    widths = _widths(columns, rows)
    kept = [*range(len(columns))]
    for name in reversed(less_important):
        own = [widths[place] for place in kept]
        if sum(own) + GAP * (len(own) - 1) - max(0, max(own) - MIN_WIDTH) <= width:
            break
        kept.remove(columns.index(name))
    return kept


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(cell_len(cell) for cell in (name, *(row[place] for row in rows))) for place, name in enumerate(columns)
    ]


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> object:
    from rich.table import Table

    widths = _widths(columns, rows)
    folded = widths.index(max(widths))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for place, name in enumerate(columns):
        table.add_column(name, no_wrap=place != folded, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
