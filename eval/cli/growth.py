"""`lethe eval sustainability` and `lethe eval scalability`: measure a running server while its policy grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.cli.console import command_line, reported

if TYPE_CHECKING:
    from eval.growth.growth import GrowingPolicy, GrowthPoint, MeasuredServer, OnPoint

growths = typer.Typer()

_Data = Annotated[Path, typer.Option(help="Folder of a MUSE corpus.")]
_Out = Annotated[Path, typer.Option(help="Result folder.")]
_Url = Annotated[str, typer.Option(help="Base URL of the guarded data plane, without /v1.")]
_Clients = Annotated[int, typer.Option(min=1, help="Concurrent requests of the load.")]
_Retain = Annotated[
    Path | None,
    typer.Option(help="File of questions and answers that a chat model knows; default: the corpus's KnowMem."),
]
_Questions = Annotated[int, typer.Option(min=0, help="Maximum number of questions of the retain side; 0: all.")]


@growths.command()
def sustainability(
    data: _Data,
    out: _Out,
    url: _Url = "http://127.0.0.1:8000",
    targets: Annotated[int, typer.Option(min=1, help="Number of targets, added one at a time.")] = 100,
    step: Annotated[int, typer.Option(min=1, help="Measure after every so many targets.")] = 10,
    retain: _Retain = None,
    clients: _Clients = 4,
    questions: _Questions = 0,
) -> None:
    """Add targets one at a time to a running server under load: retained knowledge, latency, failed requests."""
    with reported():
        from eval.growth.growth import MeasuredServer
        from eval.growth.sustainability import load_texts, measure_sustainability

        texts = load_texts(data, targets)
        server = MeasuredServer(url=url, data=data, retain=retain, clients=clients, limit=questions or None)
        _run(
            server,
            out,
            "raw/forget",
            lambda growth, on_point: measure_sustainability(growth, texts, step, on_point),
        )


@growths.command()
def scalability(
    data: _Data,
    out: _Out,
    url: _Url = "http://127.0.0.1:8000",
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of texts of each set; 0: all.")] = 0,
    retain: _Retain = None,
    clients: _Clients = 4,
    questions: _Questions = 0,
) -> None:
    """Add MUSE's nested forget sets to a running server under load; measure the same after each."""
    with reported():
        from eval.growth.growth import MeasuredServer
        from eval.growth.scalability import load_nested, measure_scalability

        sets = load_nested(data, limit or None)
        server = MeasuredServer(url=url, data=data, retain=retain, clients=clients, limit=questions or None)
        _run(server, out, sets.source, lambda growth, on_point: measure_scalability(growth, sets, on_point))


def _run(
    server: MeasuredServer, out: Path, source: str, grow: Callable[[GrowingPolicy, OnPoint], list[GrowthPoint]]
) -> None:
    from eval.core.provenance import digest_of_data, versions
    from eval.growth.growth import growing_policy
    from eval.growth.report import GrowthReport
    from eval.harness.atomic_file import write_result

    report = GrowthReport(
        {
            "command": command_line(),
            "texts": source,
            "data_digest": digest_of_data(server.data),
            "asked": server.retain.name if server.retain else "knowmem",
            "clients": server.clients,
            "versions": versions(),
        }
    )

    def on_point(point: GrowthPoint) -> None:
        # The files are written after every point, so that an interrupted run keeps its results.
        report.points.append(point)
        for name, content in report.files().items():
            write_result(out / name, content)
        typer.echo(f"{point.targets} targets: {point.requests} requests, {point.failed} failed", err=True)

    with growing_policy(server) as growth:
        grow(growth, on_point)
    typer.echo(report.markdown())
