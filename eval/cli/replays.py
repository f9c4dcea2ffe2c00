"""`lethe eval NAME`: one command for each registered benchmark, with the options that apply to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from eval.benchmarks.registry import BENCHMARKS
from eval.cli import options as cli
from eval.cli.console import bars, command_line, reported

if TYPE_CHECKING:
    from eval.benchmarks.benchmark import AnyBenchmark
    from eval.harness.options import Options

_REPLAY = {
    "methods": cli.Methods,
    "limit": cli.Limit,
    "seed": cli.Seed,
    "dtype": cli.Dtype,
    "device": cli.Device,
}
_ENDPOINT = {"run_with": cli.RunWith, "endpoint": cli.Endpoint, "score_url": cli.ScoreUrl}
_LOGIT_DIFFERENCE = {
    "assistant": cli.Assistant,
    "alpha": cli.Alpha,
    "filter_rate": cli.FilterRate,
    "dd_retain": cli.DdRetain,
    "dd_forget": cli.DdForget,
    "dd_alpha": cli.DdAlpha,
    "dd_rank": cli.DdRank,
}


class ReplayGroup(TyperGroup):
    """A group with a command for each benchmark, which is built, and its libraries loaded, when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*BENCHMARKS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name."""
        if cmd_name not in BENCHMARKS:
            return super().get_command(ctx, cmd_name)
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(replay_command(BENCHMARKS[cmd_name]()))
        return get_command(single)


def replay_command(benchmark: type[AnyBenchmark]) -> Callable[..., None]:
    """Return the command that replays a benchmark and writes its report."""

    def command(**arguments: Any) -> None:
        own = {field.name: arguments.pop(field.name) for field in fields(benchmark)}  # type: ignore[arg-type]
        with reported():
            _replay(benchmark(**own), _options(arguments))

    command.__doc__ = benchmark.__doc__
    command.__signature__ = Signature(list(_parameters(benchmark)))  # type: ignore[attr-defined]
    return command


def _replay(benchmark: AnyBenchmark, options: Options) -> None:
    from eval.harness.options import RunWith
    from eval.harness.replay import replay
    from eval.report.files import write_replay
    from eval.runners.target_tokenizer import ModelTokenizer

    started = time.monotonic()
    tokenizer = ModelTokenizer("" if options.run_with is RunWith.ENDPOINT else options.model)
    tasks = benchmark.tasks(options.data, options.limit or None, tokenizer)
    with bars() as progress:
        store = replay(benchmark, options, tasks, progress)
    write_replay(benchmark, options, store, tasks, command_line(), time.monotonic() - started)
    typer.echo((options.out / "report.md").read_text(encoding="utf-8"))


def _options(arguments: dict[str, Any]) -> Options:
    from eval.harness.options import Options, RunWith, method_names
    from eval.methods.logit_difference_options import LogitDifferenceOptions

    difference = {name: arguments.pop(name) for name in _LOGIT_DIFFERENCE if name in arguments}
    return Options(
        methods=method_names(arguments.pop("methods")),
        run_with=RunWith(arguments.pop("run_with")),
        logit_difference=LogitDifferenceOptions(**difference),
        **arguments,
    )


def _parameters(benchmark: type[AnyBenchmark]) -> Iterator[Parameter]:
    from eval.harness.options import Options
    from eval.methods.logit_difference_options import LogitDifferenceOptions

    defaults = {field.name: _default(field) for field in (*fields(Options), *fields(LogitDifferenceOptions))}
    defaults |= {"methods": benchmark.methods, "run_with": "reference"}
    if not benchmark.endpoint:
        defaults["model"] = Parameter.empty
    types: dict[str, Any] = {"data": cli.Data, "out": cli.Out, "model": cli.Model}
    if benchmark.retain_model:
        types["retain_model"] = cli.RetainModel
    hints = get_type_hints(benchmark)
    for field in fields(benchmark):  # type: ignore[arg-type]
        types[field.name] = Annotated[hints[field.name], typer.Option(help=field.metadata["help"])]
        defaults[field.name] = _default(field)
    types |= _REPLAY | (_ENDPOINT if benchmark.endpoint else {"run_with": cli.RunLocally})
    if benchmark.logit_difference:
        types |= _LOGIT_DIFFERENCE
    for name, annotation in types.items():
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation)


def _default(field: Field[Any]) -> Any:
    return Parameter.empty if field.default is MISSING else field.default
