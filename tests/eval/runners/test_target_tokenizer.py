from __future__ import annotations

from collections.abc import Sequence

from eval.core.prompt import Prompt
from eval.runners.prompt_encoder import PromptEncoder
from eval.runners.target_tokenizer import ModelTokenizer


class Numbers:
    """A tokenizer of numbers, which begins every text with the id 0."""

    eos_token_id = 1
    bos_token_id = 0

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [0, *map(int, text.split())]}

    def decode(self, ids: Sequence[int], **_: bool) -> str:
        return " ".join(str(number) for number in ids if number)


def tokenizer(model: str) -> ModelTokenizer:
    made = ModelTokenizer(model)
    made.__dict__ |= {"_encoder": PromptEncoder(Numbers()), "_context": 10}
    return made


def test_a_text_is_cut_by_ids_with_the_begin_of_sequence_among_them(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = " ".join(map(str, range(1, 200)))
    assert tokenizer(str(tmp_path)).cut(text, 128) == " ".join(map(str, range(1, 128)))
    assert tokenizer(str(tmp_path)).cut("5 6", 128) == "5 6"


def test_without_a_folder_a_text_is_left_whole() -> None:
    assert ModelTokenizer("").cut("5 6", 1) == "5 6"


def test_a_prompt_fits_with_its_answer(tmp_path) -> None:  # type: ignore[no-untyped-def]
    prompt = Prompt("2 3 4 5", chat=False)
    assert tokenizer(str(tmp_path)).fits(prompt, 5)
    assert not tokenizer(str(tmp_path)).fits(prompt, 6)
