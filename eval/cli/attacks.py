"""`lethe eval attacks`: run the attack sweep."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from eval.cli import options as cli
from eval.cli.console import bars, command_line, reported

if TYPE_CHECKING:
    from eval.attacks.leak_scorer import LeaksBy
    from eval.attacks.near_requests import NearRequest
    from guard.targets.target import Draft

Near = Annotated[
    Literal["", "authors", "known", "secrets", "copies"],
    typer.Option(
        help="Instead of the sweep: count near leaks of the split's authors, of well-known works, places and"
        " people, or of invented secrets, at an endpoint; or in changed copies of the right answers, by no model."
    ),
]
Minutes = Annotated[float, typer.Option(min=0.1, help="near: for how long requests are sent.")]
Answers = Annotated[int, typer.Option(min=1, help="near: with so many answers it ends.")]
Choices = Annotated[int, typer.Option(min=1, help="near: number of answers drawn where n can be asked.")]
NearScope = Annotated[Literal["contextual", "always"], typer.Option(help="near: scope of the targets.")]


class NearOptions(NamedTuple):
    """The options of a near-leak run."""

    targets: str
    data: Path
    out: Path
    endpoint: str
    split: Literal["forget01", "forget05", "forget10"]
    probes: int
    seed: int
    minutes: float
    answers: int
    choices: int
    scope: str
    methods: str


def _near_copies(options: NearOptions) -> None:
    """Count near leaks in copies of the right answers."""
    from eval.attacks.near_copies import near_copies
    from eval.benchmarks.files import load_questions, need
    from eval.benchmarks.targets import authors

    drafts = authors(load_questions(need(options.data, options.split)))
    found = near_copies(drafts, options.answers, options.seed)
    typer.echo(
        f"{found.texts} texts; near leaks as they are {found.as_they_are}, after the automata"
        f" {found.after_automata}, and after near copies are withheld too {found.after_near}"
    )


class _Attacked(NamedTuple):
    """Forget targets, requests about them without end, and the measure of what tells them."""

    drafts: Sequence[Draft]
    requests: Iterator[NearRequest]
    leaks: LeaksBy


def _near(options: NearOptions) -> None:
    """Run near leaks against an endpoint whose registry has no target yet."""
    from eval.attacks import near_run
    from eval.methods.method import MethodName
    from eval.runners.endpoint import forgetting
    from guard.targets.target import Scope

    # A common word takes two tokens at most of nearly every vocabulary; the rest is for question and answer.
    noise = max(0, near_run.context_tokens(options.endpoint) - 600) // 2
    attacked = {"authors": _authors, "known": _known, "secrets": _secrets}[options.targets](options, noise)
    drafts = tuple(replace(draft, scope=Scope(options.scope)) for draft in attacked.drafts)

    def show(total: int, told: int, share: float) -> None:
        typer.echo(f"{share:.0%} of the time, {total} answers, {told} leaks", err=True)

    with forgetting(drafts, MethodName.NONE if options.methods == MethodName.NONE.value else MethodName.GUARD):
        outcomes = near_run.run_near(
            options.endpoint,
            attacked.requests,
            attacked.leaks,
            options.out,
            options.minutes,
            options.answers,
            options.choices,
            show,
        )
    report = near_run.report(outcomes)
    (options.out / "near.md").write_text(f"{command_line()}\n\n{report}\n", "utf-8")
    typer.echo(report)


def _authors(options: NearOptions, noise: int) -> _Attacked:
    from eval.attacks import near_requests
    from eval.attacks.tofu import load_probes
    from eval.benchmarks.files import load_questions, need
    from eval.benchmarks.targets import authors
    from eval.benchmarks.tofu import load_perturbed

    drafts = authors(load_questions(need(options.data, options.split)))
    groups = load_probes(options.data, options.split, [draft.name for draft in drafts], options.probes)
    harmless = [row.question for row in load_perturbed(need(options.data, "retain_perturbed"))]
    probes = [probe for group in groups for probe in group]
    requests = near_requests.author_requests(probes, harmless, options.seed, noise)
    return _Attacked(drafts, requests, _phrase_leaks(drafts))


def _known(options: NearOptions, noise: int) -> _Attacked:
    from eval.attacks import near_requests
    from eval.known import probes
    from eval.known.subjects import NEIGHBOURS, subjects

    about = subjects()
    drafts = probes.drafts(about)
    requests = near_requests.author_requests(probes.probes(about), NEIGHBOURS, options.seed, noise)
    return _Attacked(drafts, requests, _phrase_leaks(drafts))


def _secrets(options: NearOptions, noise: int) -> _Attacked:
    from eval.attacks import near_requests
    from eval.attacks.leak_scorer import secret_leaks

    drafts = near_requests.secret_drafts(options.seed)
    requests = near_requests.secret_requests(drafts, options.seed, noise)
    return _Attacked(drafts, requests, secret_leaks({draft.name: draft.phrases[0] for draft in drafts}))


def _phrase_leaks(drafts: Sequence[Draft]) -> LeaksBy:
    from eval.attacks.leak_scorer import long_phrases_of, phrase_leaks
    from guard.evidence.distinctiveness import decisive_phrases
    from guard.registry.drafts import new_target

    decisive = {phrase for draft in drafts for phrase in decisive_phrases(new_target(draft))}
    return phrase_leaks({draft.name: long_phrases_of(draft) for draft in drafts}, decisive)


def attacks(
    data: cli.Data,
    out: cli.Out,
    model: cli.Model = "",
    split: Annotated[
        Literal["forget01", "forget05", "forget10"],
        typer.Option(help="Split whose authors are the targets."),
    ] = "forget10",
    methods: cli.Methods = "none,icu,keyword,decline,guard",
    probes: Annotated[int, typer.Option(min=1, max=20, help="Number of questions to attack for each author.")] = 5,
    draws: Annotated[int, typer.Option(min=0, help="Number of samples per author for leak@k; 0: none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed, for the record; a sample's own number is its seed.")] = 0,
    dtype: cli.Dtype = "float32",
    run_with: Annotated[Literal["engine", "endpoint"], typer.Option(help="How the model is run.")] = "engine",
    endpoint: cli.Endpoint = "",
    near: Near = "",
    minutes: Minutes = 20,
    answers: Answers = 10_000,
    choices: Choices = 4,
    scope: NearScope = "contextual",
) -> None:
    """Attack the forget targets: tables of attack by method, the detector's recall, and leak@k."""
    if near:
        with reported():
            run = _near_copies if near == "copies" else _near
            run(
                NearOptions(
                    near, data, out, endpoint, split, probes, seed, minutes, answers, choices, scope, methods
                )
            )
        return
    with reported():
        from eval.attacks.sweep import run_attacks
        from eval.harness.options import Options, RunWith, method_names
        from eval.report.attacks import write_attacks

        options = Options(
            model=model,
            data=data,
            out=out,
            methods=method_names(methods),
            run_with=RunWith(run_with),
            endpoint=endpoint,
            seed=seed,
            dtype=dtype,
        )
        started = time.monotonic()
        with bars() as progress:
            swept = run_attacks(options, split, probes, draws, progress)
        write_attacks(swept, command_line(), time.monotonic() - started)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))
