"""`lethe try`: what a prompt is answered with and without the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from serving.cli.admin.check import print_check
from serving.cli.console import admin_client, console
from serving.cli.output import output_options, show

if TYPE_CHECKING:
    from serving.client.observed import Answered, Trial

MIN_WIDTH = 60  # columns of a terminal from which on two answers stand side by side


@output_options
def try_(
    prompt: Annotated[str, typer.Argument(help="Prompt of a client; '-' reads standard input.")],
    max_tokens: Annotated[int, typer.Option(min=1, max=2048, help="Longest answer, in tokens.")] = 256,
    proposed: Annotated[
        str | None, typer.Option(help="Id of a target: say what the change that is proposed of it would forbid.")
    ] = None,
) -> None:
    """Show the stock answer to a prompt, the plan with its evidence, and the guarded answer.

    The stock answer tells what must be forgotten: the targets that the prompt touches are noted as revealed in the
    audit trail. Neither prompt nor answers are stored.
    """
    if prompt == "-":
        prompt = typer.get_text_stream("stdin").read()
    with admin_client() as admin:
        tried = admin.try_(prompt, max_tokens=max_tokens, proposed=proposed)
    show(tried, lambda: _print(tried), (match.target_id for match in tried.check.matches))


def _print(tried: Trial) -> None:
    print_check(tried.check)
    answers = (("stock answer", tried.stock), ("guarded answer", tried.guarded))
    if console.is_terminal and console.width >= MIN_WIDTH:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(1, 2, 0, 0), expand=True)
        for name, _ in answers:
            table.add_column(name, ratio=1, overflow="fold")
        table.add_row(*(Text(_said(answer)) for _, answer in answers))
        console.print(table)
    else:
        for name, answer in answers:
            typer.echo(f"\n{name}\n{_said(answer)}")
    if tried.proposed:
        typer.echo(f"\nthe proposed target is in the prompt: {_listed(tried.proposed.in_prompt)}")
        typer.echo(f"and would forbid of the stock answer: {_listed(tried.proposed.in_stock)}")


def _listed(phrases: tuple[str, ...]) -> str:
    return "; ".join(phrases) or "(nothing)"


def _said(answer: Answered) -> str:
    return f"({answer.code} {answer.detail})" if answer.code else answer.text or "(empty)"
