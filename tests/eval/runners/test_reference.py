from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessorList

from eval.core.prompt import Decoding, Prompt
from eval.runners.logit_rules import Mask
from eval.runners.prompt_encoder import PromptEncoder
from eval.runners.reference import Reference
from guard.decoding.huggingface import RestrictionProcessor
from guard.decoding.vocabulary import Vocabulary
from guard.errors import ModelUnavailable
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)
PHRASES = Automaton.compile(["basil", "er", "to"])
TEXTS = ["Basil Ro", "merton and silica met", "b", "日本"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(TOKENIZER) + 5,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=TOKENIZER.eos_token_id,
        pad_token_id=None,
        # Far from uniform, so that no two tokens are nearly alike.
        initializer_range=0.4,
    )
    path = tmp_path_factory.mktemp("toy")
    LlamaForCausalLM(config).save_pretrained(path)
    PHRASES.save(path)
    return path


@pytest.fixture(scope="module")
def reference(folder: Path) -> Reference:
    return Reference(str(folder), PromptEncoder(TOKENIZER), [Mask(folder, VOCABULARY)])


def prompts(*digests: str) -> list[Prompt]:
    return [Prompt(text, chat=False, digests=digests) for text in TEXTS]


@pytest.mark.parametrize("digests", [(), (PHRASES.digest,)], ids=["free", "restricted"])
def test_answers_are_those_of_generate_with_the_same_restriction(
    reference: Reference, folder: Path, digests: tuple[str, ...]
) -> None:
    model = LlamaForCausalLM.from_pretrained(folder)
    for prompt, said in zip(prompts(*digests), reference.generate(prompts(*digests), 20), strict=True):
        prompt = torch.tensor([TOKENIZER.encode(prompt.text)])
        processors = LogitsProcessorList()
        if digests:
            processors.append(RestrictionProcessor(VOCABULARY, [[PHRASES]], prompt.shape[1]))
        ids = model.generate(
            prompt, logits_processor=processors, max_new_tokens=20, do_sample=False, pad_token_id=0
        )
        assert said.text == TOKENIZER.decode(ids[0, prompt.shape[1] :], skip_special_tokens=True)


def test_where_no_row_is_restricted_the_mask_leaves_the_logits_as_they_are(folder: Path) -> None:
    logits = torch.zeros(len(TEXTS), len(VOCABULARY))
    outputs: list[list[int]] = [[] for _ in TEXTS]
    free = Mask(folder, VOCABULARY).begin(prompts(), outputs, outputs)
    assert free.apply(logits) is logits
    restricted = Mask(folder, VOCABULARY).begin(prompts(PHRASES.digest), outputs, outputs)
    assert restricted.apply(logits) is not logits
    assert not logits.any()


class Spelt(PromptEncoder):
    """Shows an answer as its token ids, so that it can be given back token for token."""

    def encode_answer(self, text: str, *, end: bool) -> list[int]:
        return list(json.loads(text))

    def decode(self, ids: list[int]) -> str:
        return json.dumps(ids)


def test_a_searched_answer_is_at_least_as_likely_as_the_greedy_one_and_as_restricted(folder: Path) -> None:
    spelt = Reference(str(folder), Spelt(TOKENIZER), [Mask(folder, VOCABULARY)])
    greedy = prompts(PHRASES.digest)
    searched = [replace(prompt, decoding=Decoding.BEAM) for prompt in greedy]
    first, *rest = spelt.generate([searched[0], *greedy], 12)
    assert [said.text for said in rest] == [said.text for said in spelt.generate(greedy, 12)]
    found = [first, *spelt.generate(searched[1:], 12)]
    gained = 0.0
    for prompt, beam, plain in zip(greedy, found, rest, strict=True):
        tokens = json.loads(beam.text)
        assert not PHRASES.matches(TOKENIZER.decode(tokens, skip_special_tokens=True))
        ended = json.dumps(tokens + [TOKENIZER.eos_token_id] * (len(tokens) < 12))
        (forced,) = next(iter(spelt.score([prompt], [[ended]], end=False, vocabulary=False)))
        assert forced.log_probs.sum() >= sum(plain.log_probs) - 1e-4
        gained += forced.log_probs.sum() - sum(plain.log_probs)
    assert gained > 0.1


@pytest.mark.parametrize("digests", [(), (PHRASES.digest,)], ids=["free", "restricted"])
def test_a_scored_greedy_answer_has_the_log_probabilities_it_was_said_with(
    reference: Reference, folder: Path, digests: tuple[str, ...]
) -> None:
    spelt = Reference(str(folder), Spelt(TOKENIZER), [Mask(folder, VOCABULARY)])
    said = spelt.generate(prompts(*digests), 20)
    assert sum(len(answer.log_probs) for answer in said) > 20
    forced = spelt.score(prompts(*digests), [[answer.text] for answer in said], end=False, vocabulary=True)
    for answer, (scored,) in zip(said, forced, strict=True):
        assert scored.log_probs == pytest.approx(answer.log_probs, abs=1e-4)
        assert scored.predicted == scored.labels
        assert scored.vocabulary is not None
        assert np.exp(scored.vocabulary.astype(np.float64)).sum(axis=-1) == pytest.approx(1.0, abs=1e-5)


def test_a_forbidden_answer_is_impossible_from_its_forbidden_token_on_only(reference: Reference) -> None:
    (free,), (masked,) = (
        next(iter(reference.score([Prompt("I met ", False, d)], [["a basic to"]], end=True, vocabulary=False)))
        for d in ((), (PHRASES.digest,))
    )
    assert np.isfinite(free.log_probs).all()
    impossible = np.isneginf(masked.log_probs)
    assert impossible.sum() == 1
    assert TOKENIZER.decode([masked.labels[int(impossible.argmax())]]).strip().endswith(("to", "o"))
    # The mass of what is forbidden is shared by the rest.
    assert (masked.log_probs[~impossible] >= free.log_probs[~impossible] - 1e-5).all()


def test_scores_do_not_depend_on_what_else_is_in_the_batch(reference: Reference) -> None:
    mixed = [Prompt("Basil Ro", False), Prompt("merton", False, (PHRASES.digest,)), Prompt("met Ba", False)]
    answers = [["merto", "silica and basics"], ["basil", "Ro"], ["sil", "日本語"]]
    together = list(reference.score(mixed, answers, end=True, vocabulary=False))
    for prompt, texts, expected in zip(mixed, answers, together, strict=True):
        alone = next(iter(reference.score([prompt], [texts], end=True, vocabulary=False)))
        for one, other in zip(alone, expected, strict=True):
            assert one.labels == other.labels
            assert one.log_probs == pytest.approx(other.log_probs, abs=1e-4)


def test_a_long_beginning_that_all_prompts_share_changes_no_answer_and_no_score(reference: Reference) -> None:
    beginning = "silica met " * 18
    assert len(TOKENIZER.encode(beginning)) > 32
    alike = [Prompt(beginning + text, False) for text in ("Ro", "merton", "b")]
    scored = list(reference.score(alike, [["basil"]] * 3, end=True, vocabulary=True))
    for prompt, said, (together,) in zip(alike, reference.generate(alike, 5), scored, strict=True):
        assert said.text == reference.generate([prompt], 5)[0].text
        (alone,) = next(iter(reference.score([prompt], [["basil"]], end=True, vocabulary=True)))
        assert together.log_probs == pytest.approx(alone.log_probs, abs=1e-4)


def test_the_whole_distribution_comes_with_the_first_answer_only(reference: Reference) -> None:
    (first, second), _ = reference.score(prompts()[:2], [["merto", "sil"], ["b"]], end=True, vocabulary=True)
    assert first.vocabulary is not None
    assert second.vocabulary is None
    assert first.log_probs == pytest.approx(
        [row[token] for row, token in zip(first.vocabulary, first.labels, strict=True)]
    )


def test_the_end_of_sequence_counts_where_it_is_asked_for(reference: Reference) -> None:
    (with_end,), (without,) = (
        next(iter(reference.score([Prompt("Ro", False)], [["mer"]], end=end, vocabulary=False)))
        for end in (True, False)
    )
    assert with_end.labels == (*without.labels, TOKENIZER.eos_token_id)


def test_a_text_longer_than_the_context_is_cut_there(reference: Reference) -> None:
    (scored,) = next(
        iter(reference.score([Prompt("b", False)], [["basil met " * 40]], end=False, vocabulary=False))
    )
    assert len(scored.labels) + len(TOKENIZER.encode("b")) == 64


def test_a_chat_needs_a_template(reference: Reference) -> None:
    with pytest.raises(ModelUnavailable, match="chat template"):
        reference.generate([Prompt("Who?")], 3)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="does not load"):
        Reference(str(tmp_path), PromptEncoder(TOKENIZER))
