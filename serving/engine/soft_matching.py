"""Soft matching as a server makes it: from the served model's own vocabulary, logged while that is embedded."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder
from guard.errors import ModelUnavailable
from guard.soft.matching import SoftMatching

log = logging.getLogger("lethe")
LOG_SECONDS = 10.0  # at least so long between two lines of progress


def soft_matching(model: str, embedder: Embedder, folder: Path) -> SoftMatching:
    """Return the soft matching of `model`, or without a vocabulary if that is "". Vectors are cached in `folder`.

    Raises ModelUnavailable if the tokenizer or the embedder does not load, StoreUnavailable if `folder` cannot be
    written.
    """
    logged = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal logged
        if time.monotonic() - logged >= LOG_SECONDS:
            logged = time.monotonic()
            log.info("words embedded for soft matching: %d of %d", done, total)

    return SoftMatching(_vocabulary(model) if model else None, embedder, folder, progress)


def _vocabulary(model: str) -> Vocabulary:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise ModelUnavailable("the model's tokenizer does not load") from error
    return Vocabulary.from_tokenizer(tokenizer)
