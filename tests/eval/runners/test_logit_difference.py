"""Logit difference in a replay: token by token what the definition says of the whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.core.errors import BadRun
from eval.core.prompt import Prompt
from eval.methods.logit_difference_options import LogitDifferenceOptions
from eval.methods.method import MethodName
from eval.runners.logit_difference import differences
from eval.runners.logit_rules import Mask
from eval.runners.prompt_encoder import PromptEncoder
from eval.runners.reference import Reference
from guard.decoding.huggingface import RestrictionProcessor
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.uld.assistant import Assistants
from guard.uld.logit_difference import dd_linear, dd_rank, log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel
from tests.guard.uld.conftest import make_model
from tests.guard.uld.test_assistant import described

METHODS = (MethodName.ULD, MethodName.DD_LINEAR, MethodName.DD_RANK)
QUESTIONS = ("Where does Zorblin keep the lamp?", "Where?", "Who keeps the stone by the river?")
ANSWERS = ("In the cellar of Quelm.", "On a hill.")


class Scene:
    """A target, an assistant of it, and two other models."""

    def __init__(self, folder: Path) -> None:
        names = ("target", "retain", "forget")
        folders = [str(make_model(folder / name, seed=seed)) for seed, name in enumerate(names)]
        self.models = [AutoModelForCausalLM.from_pretrained(one, dtype=torch.float32).eval() for one in folders]
        torch.manual_seed(4)
        self.truncated_model = TruncatedModel(folders[0], 2, torch.float32, "cpu")
        weights = {
            name: 0.3 * torch.randn_like(made) for name, made in self.truncated_model.lora_adapter(4).items()
        }
        assistant = Assistants(folder).add(described(Path(folders[0]), filter_rate=0.05), weights, {})
        self.truncated_model.activate(self.truncated_model.load(weights))
        self.options = LogitDifferenceOptions(
            assistant=assistant.folder, dd_retain=folders[1], dd_forget=folders[2], dd_rank=3
        )
        tokenizer = AutoTokenizer.from_pretrained(folders[0])
        self.encoder = PromptEncoder(tokenizer)
        self.folder = folders[0]
        self.rules = differences(METHODS, self.options, folders[0], tokenizer, "cpu")
        self.reference = Reference(folders[0], self.encoder, self.rules)

    def served(self, name: str, tokens: Sequence[int]) -> torch.Tensor:
        """Log p of the token after each of `tokens`, [tokens, width]."""
        ids = torch.tensor([tokens])
        with torch.inference_mode():
            mine, retain, forget = (log_probabilities(model(ids).logits[0]) for model in self.models)
            known = log_probabilities(
                self.truncated_model.logits(self.truncated_model.hidden(ids, use_cache=False))[0]
            )
        pinned = torch.zeros(mine.shape[1], dtype=torch.bool)
        pinned[:5] = True
        made = {
            "": lambda: mine,
            "uld": lambda: uld(mine, known, 0.75, 0.05, pinned),
            "dd-linear": lambda: dd_linear(mine, retain, forget, 1.5, pinned),
            "dd-rank": lambda: dd_rank(mine, retain, forget, 3, pinned),
        }
        return made[name]()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


def prompts() -> list[Prompt]:
    return [Prompt(question, difference=name) for name in ("", *METHODS) for question in QUESTIONS]


def test_given_answers_have_the_likelihood_of_the_difference(scene: Scene) -> None:
    found = scene.reference.score(prompts(), [ANSWERS] * len(prompts()), end=True, vocabulary=False)
    for prompt, forced in zip(prompts(), found, strict=True):
        ids = scene.encoder.encode(prompt)
        for one in forced:
            log_p = scene.served(prompt.difference, [*ids, *one.labels])[len(ids) - 1 : -1]
            expected = log_p.gather(1, torch.tensor(one.labels)[:, None])[:, 0].numpy()
            np.testing.assert_allclose(one.log_probs, expected, atol=2e-4)


def test_answers_are_the_greedy_ones_of_the_difference(scene: Scene) -> None:
    said = scene.reference.generate(prompts(), 8)
    for prompt, one in zip(prompts(), said, strict=True):
        tokens = scene.encoder.encode(prompt)
        for log_p in one.log_probs:
            best = scene.served(prompt.difference, tokens)[-1].max(-1)
            assert log_p == pytest.approx(float(best.values), abs=2e-4)
            tokens.append(int(best.indices))


def test_what_is_masked_stays_masked(scene: Scene, tmp_path: Path) -> None:
    (free,) = scene.reference.generate([Prompt(QUESTIONS[0], difference="uld")], 8)
    automaton = Automaton.forbidding([free.text])
    automaton.save(tmp_path)
    vocabulary = Vocabulary.from_tokenizer(scene.encoder.tokenizer)
    both = Reference(scene.folder, scene.encoder, [*scene.rules, Mask(tmp_path, vocabulary)])
    prompt = Prompt(QUESTIONS[0], difference="uld", digests=(automaton.digest,))
    (said,) = both.generate([prompt], 8)
    assert said.text != free.text
    tokens = scene.encoder.encode(prompt)
    processor = RestrictionProcessor(vocabulary, [[automaton]], len(tokens))
    for log_p in said.log_probs:
        served = processor(torch.tensor([tokens]), scene.served("uld", tokens)[-1:].clone())
        best = torch.log_softmax(served[0], -1).max(-1)
        assert log_p == pytest.approx(float(best.values), abs=2e-4)
        tokens.append(int(best.indices))


@pytest.mark.parametrize(
    ("methods", "given"), [("guard-uld", {}), ("uld", {"dd_retain": "x", "dd_forget": "x"}), ("dd-rank", {})]
)
def test_a_method_without_its_models_is_a_bad_run(methods: str, given: dict[str, Any]) -> None:
    with pytest.raises(BadRun):
        LogitDifferenceOptions(**given).check([MethodName(methods)])


def test_a_run_without_such_methods_is_described_as_before() -> None:
    assert LogitDifferenceOptions().config([MethodName.NONE, MethodName.GUARD]) == {}
