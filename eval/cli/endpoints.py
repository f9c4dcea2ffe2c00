"""Commands of the evaluation that ask a running server: supplied texts, membership, elicitation, known ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eval.cli.console import command_line, reported

if TYPE_CHECKING:
    from eval.known.answers import Answers
    from serving.client.requests import ElicitOptions

endpoints = typer.Typer()


def _write(out: Path, samples: Iterable[Mapping[str, object]], table: str) -> None:
    """Write the samples and the report of a run."""
    import orjson

    from eval.harness.atomic_file import write_result

    write_result(out / "samples.jsonl", "".join(orjson.dumps(row).decode() + "\n" for row in samples))
    write_result(out / "report.md", f"{command_line()}\n\n{table}\n")


@endpoints.command()
def supplied(
    out: Annotated[Path, typer.Option(help="Result folder.")],
    url: Annotated[
        str, typer.Option(help="Base URL of the guarded data plane, without /v1.")
    ] = "http://127.0.0.1:8000",
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of targets; 0: all 20.")] = 0,
) -> None:
    """Ask a running server about texts that say a part of what 20 targets forbid, without and with them."""
    with reported():
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
        table = markdown(outcomes)
        _write(out, samples, table)
    typer.echo(table)


def elicitation(
    data: Annotated[Path, typer.Option(help="Folder with TOFU's files, or with a folder `tofu`.")],
    model: Annotated[str, typer.Option(help="Folder of a model that knows TOFU.")],
    out: Annotated[Path, typer.Option(help="Result folder.")] = Path("elicitation"),
    authors: Annotated[int, typer.Option(min=1, max=20, help="Authors of forget10 to elicit.")] = 20,
    samples: Annotated[int, typer.Option(min=0, max=16, help="Answers at each temperature.")] = 2,
    language: Annotated[list[str] | None, typer.Option(help="Language to ask in; may be repeated.")] = None,
) -> None:
    """Start a server, elicit TOFU's authors from their bare names, and compare with their facts.

    A run that was stopped goes on in the same result folder.
    """
    with reported():
        import orjson

        from eval.benchmarks.tofu import Tofu
        from eval.elicitation.measure import Depth, markdown, measure, row_of, stored
        from eval.harness.atomic_file import write_result
        from serving.bench.processes import guarded

        depth = Depth(samples, tuple(language or ["en"]))
        found = stored(out / "authors.jsonl", depth)
        drafts = Tofu().drafts(data / "tofu" if (data / "tofu").is_dir() else data)[len(found) : authors]
        out.mkdir(parents=True, exist_ok=True)
        with guarded(model, out) as server:
            assert server.admin is not None
            for author in measure(
                server.url, server.admin, drafts, depth, lambda text: typer.echo(text, err=True)
            ):
                found.append(author)
                # After each author: a run takes long.
                rows = (orjson.dumps(row_of(one, depth)).decode() for one in found)
                write_result(out / "authors.jsonl", "".join(f"{row}\n" for row in rows))
                write_result(out / "report.md", f"{command_line()}\n\n{markdown(found)}\n")
    typer.echo(markdown(found))


@endpoints.command()
def membership(
    out: Annotated[Path, typer.Option(help="Result folder.")],
    data: Annotated[Path, typer.Option(help="Folder of the benchmarks' data.")],
    url: Annotated[
        str, typer.Option(help="Base URL of the guarded data plane, without /v1.")
    ] = "http://127.0.0.1:8000",
    method: Annotated[Literal["guard", "decline"], typer.Option(help="Method of the targets.")] = "guard",
    names: Annotated[int, typer.Option(min=2, max=20, help="Names of each group.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is asked.")] = 1,
    retain_url: Annotated[
        str, typer.Option(help="Base URL of the same model without the targets in its training, to compare with.")
    ] = "",
) -> None:
    """Ask a running server about forgotten authors, served ones and invented names, and tell them apart."""
    with reported():
        from eval.benchmarks.files import load_questions, need
        from eval.benchmarks.targets import authors
        from eval.membership.observe import Observation, observe
        from eval.membership.probes import of_unlearnt, probes
        from eval.membership.separability import markdown
        from eval.methods.method import MethodName
        from eval.runners.endpoint import forgetting

        drafts = authors(load_questions(need(data / "tofu", "forget10")))[:names]
        served = [draft.name for draft in authors(load_questions(need(data / "tofu", "retain90")))[: 2 * names]]
        asked = probes([draft.name for draft in drafts], served, names, rounds)

        def say(text: str) -> None:
            typer.echo(text, err=True)

        seen: list[Observation] = []
        # Ctrl-C ends the questions: what was seen until then is measured.
        with forgetting(drafts, MethodName(method)), contextlib.suppress(KeyboardInterrupt):
            seen += observe(url, asked, say)
        if retain_url:
            seen += observe(retain_url, of_unlearnt(asked), say)
        rows = [
            {
                "group": one.probe.group,
                "name": one.probe.name,
                "question": one.probe.question,
                "text": one.text,
                "seconds": one.seconds,
                "logprob": one.logprob,
                "shape": one.shape,
            }
            for one in seen
        ]
        table = markdown(seen)
        _write(out, rows, table)
    typer.echo(table)


@endpoints.command()
def known(
    out: Annotated[Path, typer.Option(help="Result folder; a run that was stopped goes on in it.")],
    url: Annotated[
        str, typer.Option(help="Base URL of the guarded data plane, without /v1.")
    ] = "http://127.0.0.1:8000",
    score_url: Annotated[
        str, typer.Option(help="Base URL of its scoring plane (`lethe serve --eval-port`).")
    ] = "http://127.0.0.1:8002",
    subjects: Annotated[int, typer.Option(min=1, help="How many subjects that the model knows.")] = 20,
    elicited: Annotated[
        bool, typer.Option(help="Forget works and places by their bare names, and by what the model says of them.")
    ] = False,
    samples: Annotated[int, typer.Option(min=0, max=16, help="With --elicited: answers at each temperature.")] = 2,
    rounds: Annotated[int, typer.Option(min=0, max=4, help="With --elicited: rounds about what was found.")] = 2,
    beginnings: Annotated[
        bool, typer.Option(help="With --elicited: ask in words that the model begins questions with too.")
    ] = True,
) -> None:
    """Forget known works, places and people that the served model answers rightly about, and ask it again."""
    with reported():
        from functools import partial

        from eval.harness.atomic_file import write_result
        from eval.known import subjects as listed
        from eval.known.answers import Answers, ask_endpoint
        from eval.known.measure import known as known_subjects
        from eval.known.measure import markdown, measure
        from eval.runners.scorer import Scorer

        answers = Answers(out / "answers.jsonl", partial(ask_endpoint, url))
        if elicited:
            options: ElicitOptions = {
                "samples": samples,
                "rounds": rounds,
                "beginnings": beginnings,
                "languages": ["en"],
            }
            typer.echo(_elicited(out, answers, subjects, options))
            return
        about = known_subjects(listed.subjects(), answers, subjects)
        scorer = Scorer.open(score_url)
        try:
            measured = measure(about, answers, scorer, lambda text: typer.echo(text, err=True))
        finally:
            scorer.close()
        table = markdown(measured)
        write_result(out / "report.md", f"{command_line()}\n\n{table}\n")
    typer.echo(table)


def _elicited(out: Path, answers: Answers, count: int, options: ElicitOptions) -> str:
    from eval.elicitation.known import markdown, measure
    from eval.harness.atomic_file import write_result
    from eval.known import subjects as listed
    from eval.known.measure import known as known_subjects

    about = [
        subject
        for kind, most in (("work", count - count // 2), ("topic", count // 2))
        for subject in known_subjects([one for one in listed.subjects() if one.kind == kind], answers, most)
        if most
    ]
    table = markdown(measure(about, answers, options, lambda text: typer.echo(text, err=True)))
    write_result(out / "report.md", f"{command_line()}\n\n{table}\n")
    return table
