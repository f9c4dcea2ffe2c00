"""Soft matching as a server makes it: the served model's own vocabulary, and a bar while that is embedded."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder
from guard.errors import ModelUnavailable
from guard.soft.matching import SoftMatching


def soft_matching(model: str, embedder: Embedder, folder: Path) -> SoftMatching:
    """Return the soft matching of `model`, or of no vocabulary where that is ""; vectors are kept in `folder`.

    Raises ModelUnavailable as the tokenizer and the embedder do, and StoreUnavailable when `folder` cannot be
    written.
    """
    looks = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*looks, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("words embedded for soft matching", total=None)

        def progress(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        return SoftMatching(_vocabulary(model) if model else None, embedder, folder, progress)


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise ModelUnavailable("the model's tokenizer does not load") from error
    return Vocabulary.from_tokenizer(tokenizer)
