"""`lethe eval supplied`: whether answers about what the caller says stay as they are, and nothing else leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.cli.console import command_line, reported

supplied_texts = typer.Typer()


@supplied_texts.command()
def supplied(
    out: Annotated[Path, typer.Option(help="Result folder.")],
    url: Annotated[
        str, typer.Option(help="Base URL of the guarded data plane, without /v1.")
    ] = "http://127.0.0.1:8000",
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of targets; 0: all 20.")] = 0,
) -> None:
    """Ask a running server about texts that say a part of what 20 targets forbid, without and with them."""
    with reported():
        import orjson

        from eval.harness.atomic_file import write_result
        from eval.supplied.measure import markdown, measure
        from eval.supplied.prompts import requests, subjects

        about = subjects()[: limit or None]
        outcomes = measure(url, about, list(requests(about)), lambda text: typer.echo(text, err=True))
        samples = [
            {
                "task": one.request.task,
                "kind": one.request.subject.kind,
                "messages": one.request.messages,
                "free": one.free,
                "guarded": one.guarded,
                "free_leaks": one.free_leaks,
                "leaks": one.leaks,
            }
            for one in outcomes
        ]
        write_result(out / "samples.jsonl", "".join(orjson.dumps(row).decode() + "\n" for row in samples))
        table = markdown(outcomes)
        write_result(out / "report.md", f"{command_line()}\n\n{table}\n")
    typer.echo(table)
