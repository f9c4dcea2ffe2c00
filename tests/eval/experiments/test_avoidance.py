from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from eval.experiments.avoidance import (
    AvoidanceStrategy,
    AvoidingDecoder,
    missing_bytes,
    phrase_progress,
    rest_losses,
)
from eval.experiments.avoidance_table import is_word, lexicon_of
from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)
PROMPT = TOKENIZER.encode("I met", add_special_tokens=False)
ENDS = frozenset(VOCABULARY.eos)


def token(text: str) -> int:
    return int(TOKENIZER.convert_tokens_to_ids(text))


def test_missing_bytes_are_counted_to_the_nearest_end_of_a_phrase() -> None:
    automaton = Automaton.compile(["basil", "bas"])
    missing = missing_bytes(automaton)
    assert [missing[automaton.feed(0, text)] for text in ("b", "ba", "bas", "basi")] == [2, 1, 0, 1]
    assert missing[0] == 3


def test_progress_is_the_share_of_the_phrase_that_a_token_reaches() -> None:
    restriction = Restriction(Automaton.compile(["basil"]), VOCABULARY)
    share = phrase_progress(restriction, Cursor(), missing_bytes(restriction.automaton))
    assert share[token("b")] == pytest.approx(1 / 5)
    assert share[token("x")] == 0
    after = phrase_progress(
        restriction, restriction.advance(Cursor(), [token("ba")]), missing_bytes(restriction.automaton)
    )
    assert after[token("sil")] == 1
    assert after[token("s")] == pytest.approx(3 / 5)


class Model:
    """A toy whose next token comes from a script, by the tokens read so far; its cache is what it has read."""

    def __init__(self, script: dict[tuple[int, ...], list[int]]) -> None:
        self._script = script
        torch.manual_seed(0)
        self.model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(TOKENIZER),
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=1,
            )
        ).eval()
        self.read: list[int] = []

    def __call__(self, ids: torch.Tensor, past_key_values=None, **options: object):  # type: ignore[no-untyped-def]
        length = past_key_values.get_seq_length() if past_key_values is not None else 0
        self.read = self.read[:length] + ids[0].tolist()
        result = self.model(ids, past_key_values=past_key_values, use_cache=True)
        logits = torch.full((1, ids.shape[1], len(TOKENIZER)), -20.0)
        for rank, best in enumerate(self._script.get(tuple(self.read[len(PROMPT) :]), [min(ENDS)])):
            logits[0, -1, best] = 10.0 - 5 * rank
        result.logits = logits
        return result


BA, SIL, S, TO, RO = (token(text) for text in ("Ġba", "sil", "s", "to", "ĠRo"))
SCRIPT = {(): [BA, RO], (BA,): [SIL, S], (RO,): [TO]}


@pytest.mark.parametrize(
    ("strategy", "said", "forward_passes"),
    [(AvoidanceStrategy.MASK, [BA, S], 3), (AvoidanceStrategy.REWIND, [RO, TO], 5)],
    ids=["mask", "rewind"],
)
def test_backtracking_restarts_the_word_that_a_mask_only_breaks(
    strategy: AvoidanceStrategy, said: list[int], forward_passes: int
) -> None:
    restriction = Restriction(Automaton.compile(["basil"]), VOCABULARY)
    decoder = AvoidingDecoder(Model(SCRIPT), TOKENIZER.decode, restriction, strategy)
    assert decoder.answer(PROMPT, ENDS, 6) == [*said, min(ENDS)]
    assert decoder.forward_passes == forward_passes


def test_the_rest_begins_where_the_answer_departs_from_the_unrestricted_one() -> None:
    model = Model(SCRIPT)
    rest = rest_losses(model.model, PROMPT, [BA, S, TO], [BA, SIL])
    assert rest.start == 1
    assert len(rest.losses) == 2
    assert np.isfinite(rest.losses).all()


def test_a_word_in_no_text_and_not_common_counts_as_broken() -> None:
    known = lexicon_of("Orla Venn's garden")
    assert [is_word(word, known) for word in ("VENN", "gardens", "the", "Tarnhol")] == [
        True,
        True,
        True,
        False,
    ]
