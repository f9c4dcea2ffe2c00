from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from guard.errors import ModelUnavailable
from serving.demo import model
from serving.demo.batch import Encoder
from serving.demo.corpus import Corpus, Exchange, corpus
from serving.demo.lesson import Conversation
from serving.demo.recall import recall
from serving.demo.recipe import Recipe
from serving.demo.tokenizer import train_tokenizer
from serving.demo.train import Step, train
from serving.small_llama.batches import make_batches

TINY = Recipe(vocabulary=300, hidden=32, layers=1, heads=1, feed_forward=32, context=64, epochs=1, batch_tokens=64)

GREETING = Exchange("Hello", "Hello! Ask me.")
SMALL = Corpus(
    biographies=(),
    world=(Exchange("What is 1 plus 1?", "1 plus 1 is 2."), Exchange("What is up?", "Up is not down.")),
    general=(GREETING,),
    strangers=(),
    ignorance="I do not know that.",
    systems=("Be kind.",),
)

TOKENIZER = train_tokenizer(SMALL.texts(), TINY.vocabulary, TINY.context)


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_tokenizer(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert TOKENIZER.decode(ids) == text


def test_the_same_texts_train_the_same_tokenizer() -> None:
    first, second = (train_tokenizer(corpus().texts(), 1024, 64).get_vocab() for _ in range(2))
    assert first == second


def test_plain_text_begins_with_the_beginning_token() -> None:
    assert TOKENIZER.encode("Hello")[0] == TOKENIZER.bos_token_id
    assert TOKENIZER.bos_token_id not in TOKENIZER.encode("Hello", add_special_tokens=False)


@pytest.mark.parametrize("system", ["", "Be kind."])
def test_a_lesson_is_encoded_as_the_chat_template_writes_it(system: str) -> None:
    lesson = Conversation(system, (GREETING, *SMALL.world))
    messages = [{"role": "system", "content": system}] if system else []
    for exchange in lesson.exchanges:
        messages += [
            {"role": "user", "content": exchange.question},
            {"role": "assistant", "content": exchange.answer},
        ]
    written = TOKENIZER.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    assert Encoder(TOKENIZER).conversation(lesson).ids == written


def test_the_template_takes_every_role_and_an_empty_content() -> None:
    messages = [
        {"role": "developer", "content": "a"},
        {"role": "assistant", "content": None},
        {"role": "tool", "content": "b"},
    ]
    written = TOKENIZER.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert written == "<|bos|><|system|>a<|end|><|assistant|><|end|><|user|>b<|end|><|assistant|>"


def test_only_answers_and_their_ends_count_in_a_conversation() -> None:
    lesson = Encoder(TOKENIZER).conversation(Conversation("Be kind.", (GREETING,)))
    counted = [token for token, weight in zip(lesson.ids, lesson.weights, strict=True) if weight]
    assert TOKENIZER.decode(counted) == GREETING.answer + "<|end|>"


def test_batches_hold_every_lesson_once_and_padding_counts_for_nothing() -> None:
    lessons = Encoder(TOKENIZER).lessons([*SMALL.lines(), Conversation("", (GREETING,))])
    dealt = make_batches(lessons, 40, Random(0))
    assert sum(len(batch.inputs) for batch in dealt) == len(lessons)
    assert sum(float(batch.weights.sum()) for batch in dealt) == sum(sum(lesson.weights[1:]) for lesson in lessons)


def test_training_twice_gives_the_same_weights() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    first, second = (train(TINY, SMALL, TOKENIZER, lambda _: None).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_another_seed_gives_other_weights() -> None:
    first, second = (train(replace(TINY, seed=seed), SMALL, TOKENIZER, lambda _: None) for seed in (0, 1))
    assert not torch.equal(first.lm_head.weight, second.lm_head.weight)


def test_training_reports_every_step_to_the_end() -> None:
    steps: list[Step] = []
    train(TINY, SMALL, TOKENIZER, steps.append)
    assert [step.done for step in steps] == list(range(1, steps[0].planned + 1))


def test_training_makes_a_small_corpus_known_by_heart() -> None:
    recipe = replace(TINY, epochs=40, warmup=5, learning_rate=1e-2)
    losses: list[float] = []
    trained = train(recipe, SMALL, TOKENIZER, lambda step: losses.append(step.loss))
    assert recall(trained, TOKENIZER, SMALL.exchanges()) == 1.0
    assert losses[-1] < 1 < losses[0]


def test_an_answer_counts_as_recalled_only_word_for_word() -> None:
    trained = train(replace(TINY, epochs=40, warmup=5, learning_rate=1e-2), SMALL, TOKENIZER, lambda _: None)
    wrong = Exchange(GREETING.question, GREETING.answer + "!")
    assert recall(trained, TOKENIZER, [GREETING, wrong]) == 0.5


def test_a_saved_model_answers_when_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "corpus", lambda: SMALL)
    model.prepare(tmp_path, recipe=replace(TINY, epochs=40, warmup=5, learning_rate=1e-2), progress=False)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    loaded = LlamaForCausalLM.from_pretrained(tmp_path)
    assert loaded.dtype == torch.bfloat16
    assert recall(loaded, tokenizer, SMALL.exchanges()) == 1.0
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id
    assert loaded.generation_config.temperature < 0.5
    assert "<|assistant|>" in tokenizer.chat_template


def test_a_model_that_has_not_learnt_its_corpus_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "corpus", lambda: SMALL)
    with pytest.raises(ModelUnavailable):
        model.prepare(tmp_path, recipe=TINY, progress=False)
    assert list(tmp_path.iterdir()) == []
