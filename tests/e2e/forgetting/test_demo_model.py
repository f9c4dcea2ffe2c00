"""The demo model as a newcomer gets it: trained once into .lethe/test-demo, found there ever after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, LogitsProcessorList, PreTrainedTokenizerFast

from guard.decoding.huggingface import RestrictionProcessor
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.targets.phrases import forbidden
from serving.demo.corpus import corpus
from serving.demo.people import FORGETTABLE, people, person
from serving.demo.recall import recall

pytestmark = pytest.mark.e2e
AT_ONCE = 32


@pytest.fixture(scope="module")
def model(demo_model: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(demo_model, dtype=torch.bfloat16).eval()


@pytest.fixture(scope="module")
def tokenizer(demo_model: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(demo_model, padding_side="left")


def say(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    conversations: Sequence[Sequence[str]],
    automaton: Automaton | None = None,
) -> list[str]:
    """What the model says to each conversation, its turns in order; asked in batches of like length."""
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    messages = [
        [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(turns)]
        for turns in conversations
    ]
    said = [""] * len(messages)
    order = sorted(range(len(messages)), key=lambda k: sum(map(len, conversations[k])))
    for first in range(0, len(order), AT_ONCE):
        places = order[first : first + AT_ONCE]
        prompt = tokenizer.apply_chat_template(
            [messages[k] for k in places],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        length = prompt["input_ids"].shape[1]
        processors = LogitsProcessorList()
        if automaton:
            processors.append(RestrictionProcessor(vocabulary, [[automaton]] * len(places), length))
        written = model.generate(**prompt, max_new_tokens=48, do_sample=False, logits_processor=processors)
        texts = tokenizer.batch_decode(written[:, length:], skip_special_tokens=True)
        for place, text in zip(places, texts, strict=True):
            said[place] = text
    return said


def test_it_knows_its_corpus_by_heart(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    assert recall(model, tokenizer, corpus().exchanges()) >= 0.99


def test_it_says_every_fact_of_every_person(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    facts = [fact for draft in people() for fact in draft.facts]
    said = say(model, tokenizer, [[fact.question] for fact in facts])
    assert sum(text == fact.answer for text, fact in zip(said, facts, strict=True)) / len(facts) >= 0.99


def test_it_remembers_whom_the_conversation_is_about(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    asked = [(biography.asked[0], later) for biography in corpus().biographies for later in biography.later]
    said = say(model, tokenizer, [[who.question, who.answer, later.question] for who, later in asked])
    assert sum(later.answer == text for (_, later), text in zip(asked, said, strict=True)) / len(asked) >= 0.9


def test_it_knows_nothing_of_strangers(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    said = say(model, tokenizer, [[f"Who is {name}?"] for name in corpus().strangers])
    assert said.count(corpus().ignorance) / len(said) >= 0.9


def test_a_forgotten_person_is_unknown(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    for name in FORGETTABLE:
        automaton = Automaton.compile(forbidden(person(name)))
        said = say(model, tokenizer, [[fact.question] for fact in person(name).facts], automaton)
        assert said.count(corpus().ignorance) / len(said) >= 0.9


def test_it_goes_on_from_the_beginning_of_a_line(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompt = tokenizer("The capital of France is", return_tensors="pt", return_token_type_ids=False)
    written = model.generate(**prompt, max_new_tokens=8, do_sample=False)[0]
    assert tokenizer.decode(written, skip_special_tokens=True) == "The capital of France is Paris."
