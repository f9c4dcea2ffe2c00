"""The command line of the agents: `lethe alu calibrate`. The evaluation adds `cost`, `audit` and `run`."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agents.calibration import Coverage, Probe, coverage, threshold_for

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The agents: calibration, cost and measured results."
)
console = Console()
errors = Console(stderr=True)

RESAMPLINGS = 5


@app.callback()
def _group() -> None:
    # Without it typer takes the only command for the group itself.
    pass


@app.command()
def calibrate(
    probes: Annotated[
        Path,
        typer.Argument(
            help='JSONL, one {"score": number or null, "leaks": true or false} per line.', dir_okay=False
        ),
    ],
    rate: Annotated[float, typer.Option(help="Share of leaking answers that may be accepted.")] = 0.05,
    confidence: Annotated[float, typer.Option(help="Confidence of the bound on the accepted share.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Random seed of the splits.")] = 0,
) -> None:
    """Choose the acceptance threshold for a given leak rate, and show its effect on held-out halves."""
    try:
        read = list(_read(probes))
        threshold = threshold_for(read, rate)
        reached = [_resampled(read, rate, confidence, seed + k) for k in range(RESAMPLINGS)]
    except (OSError, UnicodeError) as error:
        errors.print(f"the probes cannot be read: {type(error).__name__}")
        raise typer.Exit(1) from None
    except ValueError as error:
        errors.print(str(error))
        raise typer.Exit(1) from None
    from rich.table import Table

    lines = Table("split", "leaked", "bound", "answered", "leaking", "harmless")
    for k, half in enumerate(reached, 1):
        lines.add_row(str(k), *(f"{share:.3f}" for share in half[:3]), *(str(number) for number in half[3:]))
    console.print(lines)
    if math.isinf(threshold):
        errors.print(f"too few leaking probes for a rate of {rate}: nothing would be accepted")
        raise typer.Exit(1)
    console.print(f"threshold {threshold!r}")


def _resampled(probes: Sequence[Probe], rate: float, confidence: float, seed: int) -> Coverage:
    shuffled = random.Random(seed).sample(probes, len(probes))
    calibration, held_out = shuffled[: len(probes) // 2], shuffled[len(probes) // 2 :]
    leaking = sum(probe.leaks for probe in calibration)
    return coverage(threshold_for(calibration, rate), held_out, rate, leaking, confidence)


def _read(path: Path) -> Iterator[Probe]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            probe = json.loads(line)
            score, leaks = probe["score"], probe["leaks"]
            # An answer declined before it was rated is below every threshold.
            yield Probe(0.0 if score is None else float(score), _truth(leaks))
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"line {number} is not a probe") from None


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


if __name__ == "__main__":
    app()
