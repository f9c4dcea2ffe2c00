"""`lethe phrases report`: recall and precision of extraction against labelled facts."""

from __future__ import annotations

from typing import Annotated

import typer

from serving.cli.console import reported

app = typer.Typer(no_args_is_help=True, help="Measure which phrases are extracted from facts.")


@app.command()
def report(
    errors: Annotated[
        bool, typer.Option(help="List what is missed and what is wrong in the facts that the rules are tuned on.")
    ] = False,
) -> None:
    """Measure which phrases are extracted from 660 labelled facts in 15 languages, by language and split."""
    from eval.phrases.labelled_facts import Split, labelled_facts
    from eval.phrases.measure import outcome, table

    headings = {
        Split.DEV: "tuned on",
        Split.HELD_OUT: "held out",
        Split.HELD_OUT_2: "held out 2",
        Split.HELD_OUT_3: "held out 3",
    }
    with reported():
        splits = {split: [outcome(fact) for fact in labelled_facts(split)] for split in Split}
        typer.echo(table({heading: splits[split] for split, heading in headings.items()}))
        for one in splits[Split.DEV] if errors else ():
            if one.missed or one.wrong:
                typer.echo(f"{one.fact.language}: {one.fact.text}\n  missed: {one.missed}; wrong: {one.wrong}")
