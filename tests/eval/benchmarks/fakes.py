from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eval.core.prompt import Prompt


@dataclass(frozen=True)
class FakeTokenizer:
    """Cuts every text to so many letters, and says which prompts fit."""

    letters: int | None = None
    fitting: Callable[[Prompt], bool] = lambda prompt: True

    def cut(self, text: str, max_tokens: int) -> str:
        return text[: self.letters]

    def fits(self, prompt: Prompt, max_tokens: int) -> bool:
        return self.fitting(prompt)
