"""`lethe phrases report`: recall and precision of extraction against labelled facts."""

from __future__ import annotations

from typing import Annotated

import typer

from serving.cli.console import reported

app = typer.Typer(no_args_is_help=True, help="Measure which phrases are extracted from facts.")


@app.command()
def report(
    errors: Annotated[
        bool, typer.Option(help="List what is missed and what is wrong in the half that the rules are tuned on.")
    ] = False,
) -> None:
    """Measure which phrases are extracted from 300 labelled facts in 15 languages, by language and half."""
    from eval.phrases.labelled_facts import Half, labelled_facts
    from eval.phrases.measure import outcome, table

    with reported():
        halves = {half: [outcome(fact) for fact in labelled_facts(half)] for half in Half}
        typer.echo(table(halves[Half.DEV], halves[Half.HELD_OUT]))
        for one in halves[Half.DEV] if errors else ():
            if one.missed or one.wrong:
                typer.echo(f"{one.fact.language}: {one.fact.text}\n  missed: {one.missed}; wrong: {one.wrong}")
