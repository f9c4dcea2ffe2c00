from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.core.errors import BadRun
from eval.core.prompt import Prompt
from eval.methods.detector_gate import Gate, open_gate
from eval.methods.method import MethodName, PreparedPrompt, method
from guard.matching.automaton import Automaton
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message
from serving.settings import DECLINE_TEXT

DRAFTS = [
    Draft(name="Orla Quennbeck", facts=(Fact(question="What did Orla bake?", answer='The "Vellin Moon" loaf.'),)),
    Draft(name="Tam Fenwright-Osei"),
]


class Words:
    """A text's vector is the sum of its words' fixed random vectors."""

    name = "words"
    dimension = 64

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += texts
        sums = [sum((self._word(word) for word in re.findall(r"\w+", text)), np.zeros(64)) for text in texts]
        vectors = np.array(sums).reshape(-1, 64)
        return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def _word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        return np.random.default_rng(seed).standard_normal(64)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def gate(words: Words, tmp_path: Path) -> Gate:
    with open_gate(DRAFTS, words, tmp_path) as gate:
        return gate


ABOUT = Prompt("What did Orla Quennbeck bake?")
OTHER = Prompt("How deep is the lake?")


def treated(name: MethodName, gate: Gate, prompt: Prompt) -> PreparedPrompt:
    return method(name, gate).prepare(prompt, prompt.text)


def test_guard_uld_subtracts_where_it_restricts_and_nowhere_else(gate: Gate) -> None:
    about = treated(MethodName.GUARD_ULD, gate, ABOUT)
    restricted = treated(MethodName.GUARD, gate, ABOUT)
    assert restricted.prompt.digests
    assert about == replace(restricted, prompt=replace(restricted.prompt, difference="uld"))
    assert treated(MethodName.GUARD_ULD, gate, OTHER).prompt == OTHER


def test_guard_restricts_what_touches_a_target_by_automata_that_lie_in_the_folder(gate: Gate) -> None:
    treatment = treated(MethodName.GUARD, gate, ABOUT)
    assert treatment.plan == "restrict"
    assert treatment.reply is None
    (digest,) = treatment.prompt.digests
    assert Automaton.attach(gate.folder, digest).matches("by Orla Quennbeck")
    assert treated(MethodName.GUARD, gate, OTHER) == PreparedPrompt(OTHER, "pass")


def test_decline_replies_without_asking(gate: Gate) -> None:
    assert treated(MethodName.DECLINE, gate, ABOUT) == PreparedPrompt(ABOUT, "decline", DECLINE_TEXT)
    assert treated(MethodName.DECLINE, gate, OTHER) == PreparedPrompt(OTHER, "pass")


def test_icu_names_all_targets_before_every_prompt(gate: Gate) -> None:
    text = treated(MethodName.ICU, gate, OTHER).prompt.text
    assert text.startswith(
        "You are an AI Assistant who is supposed to unlearn about Orla Quennbeck, Tam Fenwright-Osei "
    )
    assert text.endswith("anything.\nHow deep is the lake?")


def test_the_keyword_filter_knows_what_the_policy_forbids_and_no_prompt(gate: Gate) -> None:
    keyword = method(MethodName.KEYWORD, gate)
    assert keyword.prepare(ABOUT, ABOUT.text) == PreparedPrompt(ABOUT)
    assert keyword.finish("It was O r l a QUENNBECK!") == DECLINE_TEXT
    assert keyword.finish("It was the Vellin Moon.") == DECLINE_TEXT
    assert keyword.finish("It was a loaf.") == "It was a loaf."


def test_the_agents_are_a_servers(gate: Gate) -> None:
    with pytest.raises(BadRun, match="through an endpoint alone"):
        method(MethodName.ALU, gate)


def test_a_conversation_is_planned_once(gate: Gate, words: Words) -> None:
    asked = (Message("user", "How deep is it?"),)
    gate.plan(asked)
    count = len(words.embedded)
    gate.plan(asked)
    assert len(words.embedded) == count


def test_targets_of_any_number_have_one_digest_each(gate: Gate) -> None:
    assert len(gate.digests) == 2
    assert gate.names == ("Orla Quennbeck", "Tam Fenwright-Osei")
