"""Catalogue of the attacks by their names in the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eval.attacks import prompts, rwku
from eval.attacks.cipher import Cipher
from eval.attacks.probe import Attack
from eval.attacks.translation import translation

DIRECT: Final = "direct question"
STREAM: Final = "streaming prefix"
LOGPROBS: Final = "logprob extraction"
DRAWS: Final = "leak@k"

TEXT_ATTACKS: Final[Mapping[str, Attack]] = {
    DIRECT: prompts.direct,
    "prefix injection": rwku.prefix_injection,
    "affirmative suffix": rwku.affirmative_suffix,
    "role playing": rwku.role_playing,
    "multiple choice": rwku.multiple_choice,
    "reverse query": rwku.reverse_query,
    "synonym manipulation": rwku.synonym_manipulation,
    "background hint": rwku.background_hint,
    "in-context learning": rwku.in_context_learning,
    "cross-lingual": rwku.cross_lingual,
    "paraphrase": prompts.paraphrase,
    "translation": translation,
    "many-shot": prompts.many_shot,
    "target masking": prompts.target_masking,
    "multi-turn split": prompts.multi_turn_split,
    "prefill": prompts.prefill,
    "completion": prompts.completion,
    **{f"question: {cipher.value}": prompts.question_in(cipher) for cipher in Cipher},
    **{f"answer: {cipher.value}": prompts.answer_in(cipher) for cipher in Cipher},
    STREAM: prompts.direct,
}
"""The attacks whose outcome is a text. STREAM asks like DIRECT and reads the answer as a stream."""
