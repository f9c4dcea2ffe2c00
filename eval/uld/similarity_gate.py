"""The detector's similarity rule, as a sweep applies it: is a question close to one that must be forgotten?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guard.detection.calibration import COSINE_THRESHOLD
from guard.detection.embedder import Embedder
from guard.detection.index import TargetIndex
from guard.targets.question_file import QuestionRow
from guard.text.conversation import windows


class SimilarityGate:
    """Fires for a question whose cosine to a forget question, alone or with its answer, reaches the threshold.

    The detector also looks for names; a sweep has none, so the gate fires less often here than when serving.
    """

    def __init__(
        self, embedder: Embedder, forget: Sequence[QuestionRow], threshold: float = COSINE_THRESHOLD
    ) -> None:
        self._embedder = embedder
        self._threshold = threshold
        examples = [row.example for row in forget]
        texts = [text for e in examples for text in (e.question, f"{e.question} {e.answer}")]
        distinct = dict.fromkeys(window for text in texts for window in windows(text))
        self._index = TargetIndex.build({"forget": embedder.embed(list(distinct))})

    def fires(self, questions: Sequence[str]) -> NDArray[np.bool_]:
        """Return bool [questions]."""
        return np.array([self._near(question) for question in questions], dtype=np.bool_)

    def _near(self, question: str) -> bool:
        return bool(self._index.near(self._embedder.embed(list(windows(question))), self._threshold))
