from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import GenerationMixin, LlamaConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

from guard.decoding.huggingface import RestrictionProcessor
from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)
BASIL = Automaton.compile(["Basil", "sil"])
ROMERTO = Automaton.compile(["Romerto", "er"])
WIDTH = len(TOKENIZER) + 13
TEXTS = ["I met Ba", "Ro and more", "b"]


@pytest.fixture(scope="module")
def model() -> GenerationMixin:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=WIDTH,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            eos_token_id=None,
            bos_token_id=None,
            pad_token_id=0,
        )
    )


def padded(*texts: str) -> dict[str, Any]:
    tokenised = [TOKENIZER.encode(text, add_special_tokens=False) for text in texts]
    width = max(map(len, tokenised))
    return {
        "input_ids": torch.tensor([[0] * (width - len(row)) + row for row in tokenised]),
        "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in tokenised]),
    }


class Temptation(LogitsProcessor):
    """Raises, by its place in the text, another part of what is forbidden."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        parts = [TOKENIZER.convert_tokens_to_ids(part) for part in ("s", "i", "l", "sil", "e", "r", "er", "to")]
        scores[:, torch.tensor(parts)] += 5.0
        scores[:, parts[input_ids.shape[1] % len(parts)]] += 5.0
        return scores


def generate(model: GenerationMixin, automata: list[list[Automaton]], **options: Any) -> list[tuple[int, str]]:
    """Return answers to TEXTS with the index of the text."""
    prompts = padded(*TEXTS)
    length = prompts["input_ids"].shape[1]
    processors = LogitsProcessorList([Temptation(), RestrictionProcessor(VOCABULARY, automata, length)])
    rows = model.generate(**prompts, logits_processor=processors, max_new_tokens=30, **options)
    answers = TOKENIZER.batch_decode(rows[:, length:], skip_special_tokens=True)
    return [(index * len(TEXTS) // len(answers), answer) for index, answer in enumerate(answers)]


def said(automata: list[Automaton], prompt: str, answer: str) -> bool:
    return any(m.end > len(prompt) for automaton in automata for m in automaton.matches(prompt + answer))


@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": False},
        {"do_sample": True, "num_return_sequences": 4},
        {"do_sample": False, "num_beams": 3, "num_return_sequences": 3},
    ],
    ids=["greedy", "sampled", "beams"],
)
def test_each_prompt_is_answered_under_its_own_automata(model: GenerationMixin, options: dict[str, Any]) -> None:
    automata = [[BASIL], [BASIL, ROMERTO], [ROMERTO]]
    assert any(said(automata[i], TEXTS[i], answer) for i, answer in generate(model, [[], [], []], **options))
    assert not any(said(automata[i], TEXTS[i], answer) for i, answer in generate(model, automata, **options))


def scores_after(processor: RestrictionProcessor, rows: list[list[int]]) -> list[set[int]]:
    scores = processor(torch.tensor(rows), torch.zeros(len(rows), WIDTH))
    return [set(row.isneginf().nonzero().flatten().tolist()) for row in scores]


def expected(automata: list[Automaton], text: list[int]) -> set[int]:
    forbidden = {
        token
        for automaton in automata
        for restriction in [Restriction(automaton, VOCABULARY)]
        for token in restriction.forbidden(restriction.advance(Cursor(), text)).tolist()
    }
    return forbidden | set(range(len(VOCABULARY), WIDTH)) if automata else set()


def test_rows_that_change_places_are_read_again() -> None:
    processor = RestrictionProcessor(VOCABULARY, [[BASIL], [ROMERTO]], 2)
    ba, si, ro, mer, to = (TOKENIZER.convert_tokens_to_ids(t) for t in ("ba", "si", "ĠRo", "mer", "to"))
    automata = [[BASIL], [BASIL], [ROMERTO], [ROMERTO]]
    for rows in (
        [[0, ba], [0, ba], [0, ro], [0, ro]],
        [[0, ba, si], [0, ba, to], [0, ro, mer], [0, ro, ro]],
        [[0, ba, to, si], [0, ba, si, si], [0, ro, ro, mer], [0, ro, mer, ba]],
    ):
        assert scores_after(processor, rows) == [expected(a, row) for a, row in zip(automata, rows, strict=True)]


def test_prompts_without_automata_are_free() -> None:
    processor = RestrictionProcessor(VOCABULARY, [[], [BASIL]], 1)
    ba = TOKENIZER.convert_tokens_to_ids("ba")
    assert scores_after(processor, [[ba], [ba]]) == [set(), expected([BASIL], [ba])]


def test_the_scores_given_are_not_changed() -> None:
    processor = RestrictionProcessor(VOCABULARY, [[BASIL]], 1)
    scores = torch.zeros(1, WIDTH)
    processor(torch.tensor([[0]]), scores)
    assert not scores.any()
