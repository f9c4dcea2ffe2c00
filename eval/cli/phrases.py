"""`lethe phrases`: recall and precision of extraction against labelled facts, and training of its tagger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import reported

app = typer.Typer(no_args_is_help=True, help="Measure which phrases are extracted from facts.")


@app.command()
def report(
    errors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET",
            help="List what is missed and wrong in this set too: tuned_on, tuned_on_2, ..., tuned_on_7.",
        ),
    ] = None,
) -> None:
    """Measure which phrases are extracted from 1,380 labelled facts in 15 languages, by language and set."""
    from eval.phrases.labelled_facts import HELD_OUT, TUNED_ON, Split, labelled_facts
    from eval.phrases.measure import outcome, table

    if set(HELD_OUT).intersection(errors or ()):
        raise typer.BadParameter("no rule is tuned on what is held out", param_hint="--errors")
    if unknown := set(errors or ()).difference(TUNED_ON):
        raise typer.BadParameter(f"{min(unknown)} is none of {', '.join(TUNED_ON)}", param_hint="--errors")
    with reported():
        splits = {split: [outcome(fact) for fact in labelled_facts(split)] for split in Split}
        typer.echo(table({split.replace("_", " "): outcomes for split, outcomes in splits.items()}))
        for one in (one for split in errors or () for one in splits[Split(split)]):
            if one.missed or one.wrong:
                typer.echo(f"{one.fact.language}: {one.fact.text}\n  missed: {one.missed}; wrong: {one.wrong}")


@app.command()
def train(
    out: Annotated[Path | None, typer.Option(help="Where the trained model is written.")] = None,
    estimate: Annotated[
        str | None, typer.Option(metavar="SET", help="Train without this set, and measure what comes of it there.")
    ] = None,
) -> None:
    """Train the tagger that reviews what rules extract, or estimate how it does on what it has not learnt."""
    from eval.phrases.labelled_facts import TUNED_ON, Split
    from eval.phrases.measure import table
    from eval.phrases.training import train as training

    if (out is None) == (estimate is None):
        raise typer.BadParameter("give one of --out and --estimate")
    if estimate is not None and estimate not in TUNED_ON:
        raise typer.BadParameter(f"it is none of {', '.join(TUNED_ON)}", param_hint="--estimate")
    with reported():
        if out is not None:
            training.write(training.train(training.every_example()), out)
        if estimate is not None:
            rules, both = training.estimate(Split(estimate))
            typer.echo(table({"rules of its day": rules, "with the tagger": both}))
