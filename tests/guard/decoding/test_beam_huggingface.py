from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from guard.decoding.beam import BEAM_WIDTH, BeamAnswer, Extension, NextTokens, candidates_per_beam, run, search
from guard.decoding.beam_huggingface import ModelScorer, ServeLogits, serve_restricted
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)
FORBIDDEN = Automaton.compile(["Basil", "sil", "Romerto"])
PROMPT = TOKENIZER.encode("I met Ba", add_special_tokens=False)
ENDS = frozenset(VOCABULARY.eos)
MOST = 8


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(TOKENIZER) + 5, pad_token_id=0, **sizes)).eval()
    with torch.no_grad():
        # An untrained model is nearly indifferent.
        model.lm_head.weight.mul_(40)
    return model


@pytest.fixture
def served() -> ServeLogits:
    return serve_restricted([Restriction(FORBIDDEN, VOCABULARY)], VOCABULARY, PROMPT)


class WholeTexts:
    """The definition: every beam read from its beginning, without a cache."""

    def __init__(self, model: LlamaForCausalLM, served: ServeLogits) -> None:
        self._model = model
        self._served = served
        self._outputs: list[list[int]] = [[]]

    @torch.inference_mode()
    def next_tokens(self, extension: Extension) -> list[NextTokens]:
        if extension.tokens:
            pairs = zip(extension.parents, extension.tokens, strict=True)
            self._outputs = [[*self._outputs[parent], token] for parent, token in pairs]
        rows = [self._model(torch.tensor([PROMPT + output])).logits[0, -1].float() for output in self._outputs]
        log_probs = torch.log_softmax(self._served(self._outputs, torch.stack(rows)), dim=-1)
        best = log_probs.topk(candidates_per_beam(BEAM_WIDTH))
        return [NextTokens(i, v) for i, v in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def test_beams_with_a_cache_find_what_beams_read_from_their_beginning_find(
    model: LlamaForCausalLM, served: ServeLogits
) -> None:
    cached = run(search(ENDS, MOST, count=3), ModelScorer(model, PROMPT, served))
    whole = run(search(ENDS, MOST, count=3), WholeTexts(model, served))
    assert [answer.tokens for answer in cached] == [answer.tokens for answer in whole]
    assert [answer.score for answer in cached] == pytest.approx([answer.score for answer in whole], abs=1e-4)


def tempting(served: ServeLogits) -> ServeLogits:
    """Likes best the parts of what is forbidden."""
    parts = torch.tensor([TOKENIZER.convert_tokens_to_ids(part) for part in ("s", "i", "l", "sil")])

    def tempted(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
        logits[:, parts] += 10.0
        return served(outputs, logits)

    return tempted


def spoken(answers: Sequence[BeamAnswer]) -> list[str]:
    return [TOKENIZER.decode(answer.tokens, skip_special_tokens=True) for answer in answers]


def test_no_beam_says_what_is_forbidden_and_without_the_mask_one_does(
    model: LlamaForCausalLM, served: ServeLogits
) -> None:
    free = run(
        search(ENDS, MOST, count=BEAM_WIDTH), ModelScorer(model, PROMPT, tempting(lambda outputs, logits: logits))
    )
    assert any(FORBIDDEN.matches("I met Ba" + text) for text in spoken(free))
    found = run(search(ENDS, MOST, count=BEAM_WIDTH), ModelScorer(model, PROMPT, tempting(served)))
    assert len(found) == BEAM_WIDTH
    assert [text for text in spoken(found) if FORBIDDEN.matches("I met Ba" + text)] == []


def test_width_one_says_what_greedy_decoding_says(model: LlamaForCausalLM, served: ServeLogits) -> None:
    output: list[int] = []
    with torch.inference_mode():
        while len(output) < MOST and not ENDS & set(output):
            logits = model(torch.tensor([PROMPT + output])).logits[:, -1].float()
            output.append(int(served([output], logits).argmax()))
    answer = run(search(ENDS, MOST, width=1), ModelScorer(model, PROMPT, served, width=1))[0]
    assert list(answer.tokens) == [token for token in output if token not in ENDS]
