"""A model that says what a script tells it to, and an embedder of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from serving.elicitation.asking import Sampling
from serving.elicitation.forms import Prompt
from serving.elicitation.statements import Answer


@dataclass
class ScriptedModel:
    """Says `script(prompt, temperature)`, or nothing where that is empty; remembers what it was asked."""

    script: Callable[[Prompt, float], str]
    asked: list[Prompt] = field(default_factory=list)

    async def say(self, prompt: Prompt, sampling: Sampling) -> Sequence[Answer]:
        self.asked.append(prompt)
        text = self.script(prompt, sampling.temperature)
        return [Answer(prompt, text, likeliest=sampling.temperature == 0.0)] * sampling.n if text else []

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Sequence[str]:
        return [f"{prompt.question} do?"] * sampling.n


class WordEmbedder:
    """Texts with the same words, in any order, have the same vector; each word more makes it another."""

    name = "words"
    dimension = 256

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[int(sha256(word.encode()).hexdigest(), 16) % self.dimension] += 1.0
            row /= np.linalg.norm(row) or 1.0
        return vectors
