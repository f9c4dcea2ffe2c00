"""`lethe eval sustainability` and `lethe eval scalability`: a running server while its policy grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.cli.console import command, reported

if TYPE_CHECKING:
    from eval.growth.growth import Growth, Point, Server, Told

growths = typer.Typer()

_Data = Annotated[Path, typer.Option(help="Folder of a corpus of MUSE.")]
_Out = Annotated[Path, typer.Option(help="Folder of the result.")]
_Url = Annotated[str, typer.Option(help="Base URL of the guarded data plane, without /v1.")]
_Clients = Annotated[int, typer.Option(min=1, help="Requests of the load at a time.")]
_Retain = Annotated[
    Path | None,
    typer.Option(help="Rows of question and answer that a chat model knows; default: the corpus's KnowMem."),
]
_Questions = Annotated[int, typer.Option(min=0, help="Questions of the retain side; 0: all.")]


@growths.command()
def sustainability(
    data: _Data,
    out: _Out,
    url: _Url = "http://127.0.0.1:8000",
    targets: Annotated[int, typer.Option(min=1, help="How many are added, one at a time.")] = 100,
    step: Annotated[int, typer.Option(min=1, help="A point is taken after every so many.")] = 10,
    retain: _Retain = None,
    clients: _Clients = 4,
    questions: _Questions = 0,
) -> None:
    """Add targets one at a time to a running server under load: retained knowledge, latency, failed requests."""
    with reported():
        from eval.growth.growth import Server
        from eval.growth.sustainability import passages, sustain

        texts = passages(data, targets)
        server = Server(url=url, data=data, retain=retain, clients=clients, limit=questions or None)
        _run(server, out, "raw/forget", lambda growth, told: sustain(growth, texts, step, told))


@growths.command()
def scalability(
    data: _Data,
    out: _Out,
    url: _Url = "http://127.0.0.1:8000",
    limit: Annotated[int, typer.Option(min=0, help="Texts of each set; 0: all.")] = 0,
    retain: _Retain = None,
    clients: _Clients = 4,
    questions: _Questions = 0,
) -> None:
    """Add MUSE's nested forget sets to a running server under load: the same figures after each."""
    with reported():
        from eval.growth.growth import Server
        from eval.growth.scalability import nested, scale

        sets = nested(data, limit or None)
        server = Server(url=url, data=data, retain=retain, clients=clients, limit=questions or None)
        _run(server, out, sets.source, lambda growth, told: scale(growth, sets, told))


def _run(server: Server, out: Path, source: str, grow: Callable[[Growth, Told], list[Point]]) -> None:
    from eval.core.provenance import digest_of_data, versions
    from eval.growth.growth import growing
    from eval.growth.report import Outcome
    from eval.harness.atomic_file import write_whole

    outcome = Outcome(
        {
            "command": command(),
            "texts": source,
            "data_digest": digest_of_data(server.data),
            "asked": server.retain.name if server.retain else "knowmem",
            "clients": server.clients,
            "versions": versions(),
        }
    )

    def told(point: Point) -> None:
        # Written after every point, so that an interrupted run keeps what is known.
        outcome.points.append(point)
        for name, content in outcome.files().items():
            write_whole(out / name, content)
        typer.echo(f"{point.targets} targets: {point.requests} requests, {point.failed} failed", err=True)

    with growing(server) as growth:
        grow(growth, told)
    typer.echo(outcome.markdown())
