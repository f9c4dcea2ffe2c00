"""`lethe assistant sweep`: compare ULD's assistants and Divergence Decoding on TOFU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.cli import options as cli
from serving.cli.assistants import STORE, Store
from serving.cli.console import progress_bar, reported

if TYPE_CHECKING:
    from eval.uld.grid import GridSetting
    from guard.uld.assistant import Assistant

SETS = ("forget", "retain", "real authors", "world facts")


def sweep(
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    never_saw: Annotated[str, typer.Option(help="Folder of the model trained without the forget set.")],
    tofu: Annotated[Path, typer.Option(help="Folder of TOFU's files.")],
    out: Annotated[Path, typer.Option(help="Folder for table.md and alpha.svg.")],
    assistant: Annotated[list[str] | None, typer.Option(help="Start of a digest; may be repeated.")] = None,
    alpha: Annotated[list[float] | None, typer.Option(help="Strength of ULD; may be repeated.")] = None,
    filter_rate: Annotated[list[float] | None, typer.Option("--filter", help="Rate of ULD's filter.")] = None,
    dd_retain: Annotated[str, typer.Option(help="Divergence Decoding's model without the forget set.")] = "",
    dd_forget: Annotated[str, typer.Option(help="Divergence Decoding's model with the forget set.")] = "",
    dd_alpha: Annotated[list[float] | None, typer.Option(help="Strength of DD linear; may be repeated.")] = None,
    dd_rank: Annotated[list[int] | None, typer.Option(help="Tokens DD rank forbids; may be repeated.")] = None,
    gate: Annotated[
        list[float] | None,
        typer.Option(help="Subtract where the assistant's likeliest token has this probability; may be repeated."),
    ] = None,
    together: Annotated[bool, typer.Option(help="Also the mean of all assistants' log-probabilities.")] = False,
    quick: Annotated[bool, typer.Option(help="Forget quality only, without utility and ROUGE.")] = False,
    split: Annotated[str, typer.Option(help="forget01, forget05 or forget10.")] = "forget10",
    device: cli.Device = "cpu",
    directory: Store = STORE,
) -> None:
    """Compare strengths on TOFU before promoting: what is forgotten, and what it costs."""
    from eval.harness.atomic_file import write_result
    from eval.uld.grid import DifferenceMethod, GridSetting
    from eval.uld.sweep import ModelFolders, Sweep
    from eval.uld.table import markdown, strength_chart, sweep_points
    from guard.detection.embedder import SentenceEmbedder
    from guard.uld.assistant import Assistants
    from serving.assistants.sweeps import keep_sweep

    with reported(), progress_bar() as bar:
        chosen = [Assistants(directory).find(start)[1] for start in assistant or []]
        settings = _uld_grid(chosen, alpha or [], filter_rate or [], gate or [0.0], together)
        settings += [GridSetting(DifferenceMethod.DD_LINEAR, strength) for strength in dd_alpha or []]
        settings += [GridSetting(DifferenceMethod.DD_RANK, count) for count in dd_rank or []]
        folders = ModelFolders(model, never_saw, dd_retain, dd_forget)
        sweeping = Sweep(folders, chosen, tofu, split, SentenceEmbedder(), bar, device)  # type: ignore[arg-type]
        rows = sweeping.forget_rows(settings) if quick else sweeping.full_rows(settings)
        table = markdown(rows)
        write_result(out / "table.md", table)
        write_result(out / "alpha.svg", strength_chart(rows))
        for digest, points in sweep_points(rows).items():
            keep_sweep(directory, digest, points)
    print(table)
    shares = [f"{name} {fired.mean():.3f}" for name, fired in zip(SETS, sweeping.gate_fires, strict=True)]
    print(f"gate fires: {', '.join(shares)}, paraphrased forget questions {sweeping.paraphrases_gated:.3f}")


def _uld_grid(
    chosen: Sequence[Assistant],
    alphas: Sequence[float],
    rates: Sequence[float],
    gates: Sequence[float],
    together: bool,
) -> list[GridSetting]:
    from eval.uld.grid import DifferenceMethod, GridSetting

    groups = [(assistant,) for assistant in chosen] + ([tuple(chosen)] if together else [])
    return [
        GridSetting(DifferenceMethod.ULD, strength, rate, tuple(one.digest for one in group), gate)
        for group in groups
        for rate in rates or [group[0].manifest.filter_rate]
        for gate in gates
        for strength in alphas or [group[0].manifest.alpha]
    ]
