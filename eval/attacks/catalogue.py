"""Every attack by its name in the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eval.attacks import multi_turn as turns
from eval.attacks import obfuscation, prefill, rwku, translation
from eval.attacks import rephrasing as wording
from eval.attacks.cipher import Cipher
from eval.attacks.probe import Attack

DIRECT: Final = "direct question"
STREAM: Final = "streaming prefix"
LOGPROBS: Final = "logprob extraction"
DRAWS: Final = "leak@k"

TEXTS: Final[Mapping[str, Attack]] = {
    DIRECT: wording.direct,
    "prefix injection": rwku.prefix_injection,
    "affirmative suffix": rwku.affirmative_suffix,
    "role playing": rwku.role_playing,
    "multiple choice": rwku.multiple_choice,
    "reverse query": rwku.reverse_query,
    "synonym manipulation": rwku.synonym_manipulation,
    "background hint": rwku.background_hint,
    "in-context learning": rwku.in_context_learning,
    "cross-lingual": rwku.cross_lingual,
    "paraphrase": wording.paraphrase,
    "translation": translation.translation,
    "many-shot": turns.many_shot,
    "target masking": wording.target_masking,
    "multi-turn split": turns.multi_turn_split,
    "prefill": prefill.prefill,
    "completion": prefill.completion,
    **{f"question: {cipher.value}": obfuscation.question_in(cipher) for cipher in Cipher},
    **{f"answer: {cipher.value}": obfuscation.answer_in(cipher) for cipher in Cipher},
    STREAM: wording.direct,
}
"""The attacks whose outcome is a text; STREAM is asked like DIRECT and read as it comes."""
