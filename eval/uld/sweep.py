"""A sweep over TOFU: what each method at each strength forgets, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eval.benchmarks.tofu import ForgetSplit, PerturbedQuestion, load
from eval.core.runner import Device
from eval.metrics.membership import auc
from eval.metrics.rouge import rouge
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import closer_to_one, true_better
from eval.uld.generate import greedy_answers
from eval.uld.grid import DifferenceMethod, GridSetting, Losses, ModelSet, answer_losses
from eval.uld.rows import SetLosses, SweepRow, label
from eval.uld.similarity_gate import SimilarityGate
from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder
from guard.errors import ModelUnavailable
from guard.targets.question_file import Example, QuestionRow
from guard.uld.assistant import Assistant
from guard.uld.tokens import encode, encode_prompt
from guard.uld.truncated_model import TruncatedModel

SweepProgress = Callable[[str, float], None]
"""Called with the part of a sweep that is running and the share of it that is done."""

_MAX_EXAMPLE_TOKENS = 1024
_MAX_ANSWER_TOKENS = 120
_FORGET, _RETAIN, _AUTHORS, _FACTS = range(4)
_UNPROTECTED = GridSetting(DifferenceMethod.NONE)


class ModelFolders(NamedTuple):
    """Folders of the target, the model that never saw the forget set, and Divergence Decoding's pair or ""."""

    target: str
    never_saw: str
    dd_retain: str = ""
    dd_forget: str = ""


class Sweep:
    """Scores settings on one split of TOFU. The gate and the retain model's forget losses are computed once.

    gate_fires         bool [questions] for each of the four sets: whether the gate fires
    paraphrases_gated  share of the paraphrased forget questions for which the gate fires
    """

    def __init__(
        self,
        folders: ModelFolders,
        assistants: Sequence[Assistant],
        data: Path,
        split: ForgetSplit,
        embedder: Embedder,
        progress: SweepProgress,
        device: Device = "cpu",
    ) -> None:
        tofu = load(data, split)
        self._sets = (tofu.forget, tofu.retain, tofu.real_authors, tofu.world_facts)
        self._assistants = assistants
        self._progress = progress
        self._tokenizer = _load_tokenizer(folders.target)
        # As a context, new tensors are made there.
        self._device = torch.device(device)
        self.models = _load_models(folders, assistants, self._tokenizer, device)
        gate = SimilarityGate(embedder, [QuestionRow(Example(row.question, row.answer)) for row in tofu.forget])
        self.gate_fires = [gate.fires([row.question for row in rows]) for rows in self._sets]
        paraphrases = [row.paraphrased_question or row.question for row in tofu.forget]
        self.paraphrases_gated = float(gate.fires(paraphrases).mean())
        self._holdout = [Example(row.question, row.answer) for row in tofu.holdout]
        self._holdout_fires = gate.fires([row.question for row in tofu.holdout])
        self._retain_models = _load_models(ModelFolders(folders.never_saw, ""), (), self._tokenizer, device)
        losses = self._losses(self._retain_models, [_UNPROTECTED], range(1), "retain model")
        self._retain_forget_losses = losses[_UNPROTECTED][_FORGET]

    def forget_rows(self, settings: Sequence[GridSetting]) -> list[SweepRow]:
        """Return the rows of the unprotected model and of each setting, with the forget set's losses alone."""
        losses = self._losses(self.models, [_UNPROTECTED, *settings], range(1), "forget set")
        holdout = self._holdout_losses(self.models, [_UNPROTECTED, *settings])
        return [
            self._row(setting, False, losses[setting], None, holdout[setting])
            for setting in (_UNPROTECTED, *settings)
        ]

    def full_rows(self, settings: Sequence[GridSetting]) -> list[SweepRow]:
        """Return all rows: unprotected, each setting ungated and gated, and the retain model; with ROUGE."""
        losses = self._losses(self.models, [_UNPROTECTED, *settings], range(4), "losses")
        plain_losses = losses[_UNPROTECTED]
        holdout = self._holdout_losses(self.models, [_UNPROTECTED, *settings])
        plain_recalls = self._recalls(self.models, _UNPROTECTED, "unprotected")
        rows = [self._row(_UNPROTECTED, False, plain_losses, plain_recalls, holdout[_UNPROTECTED])]
        for setting in settings:
            recalls = self._recalls(self.models, setting, label(setting, self._assistants))
            rows.append(self._row(setting, False, losses[setting], recalls, holdout[setting]))
            gated_losses = [
                protected.where(fires, plain)
                for fires, protected, plain in zip(self.gate_fires, losses[setting], plain_losses, strict=True)
            ]
            gated_recalls = [
                np.where(fires, protected, plain)
                for fires, protected, plain in zip(self.gate_fires, recalls, plain_recalls, strict=True)
            ]
            rows.append(self._row(setting, True, gated_losses, gated_recalls, holdout[setting]))
        retain_losses = self._losses(self._retain_models, [_UNPROTECTED], range(4), "retain model")[_UNPROTECTED]
        retain_recalls = self._recalls(self._retain_models, _UNPROTECTED, "retain model")
        holdout = self._holdout_losses(self._retain_models, [_UNPROTECTED])
        rows.append(
            self._row(_UNPROTECTED, False, retain_losses, retain_recalls, holdout[_UNPROTECTED], "retain model")
        )
        return rows

    def _losses(
        self, models: ModelSet, settings: Sequence[GridSetting], sets: range, part: str
    ) -> dict[GridSetting, list[SetLosses]]:
        examples = [
            encode(self._tokenizer, example, _MAX_EXAMPLE_TOKENS)
            for number in sets
            for row in self._sets[number]
            for example in _examples(row)
        ]
        with self._device:
            losses = answer_losses(models, settings, examples, lambda share: self._progress(part, share))
        sizes = [len(self._sets[number]) * (2 + len(self._sets[number][0].perturbed_answers)) for number in sets]
        ends = [0, *np.cumsum(sizes).tolist()]
        return {
            setting: [
                SetLosses.of(values[first:last].reshape(len(self._sets[number]), -1))
                for number, (first, last) in zip(sets, pairwise(ends), strict=True)
            ]
            for setting, values in losses.items()
        }

    def _holdout_losses(self, models: ModelSet, settings: Sequence[GridSetting]) -> dict[GridSetting, Losses]:
        """Return for each setting the losses of the holdout answers as they are served behind the gate.

        The unprotected model is one of the settings.
        """
        examples = [encode(self._tokenizer, example, _MAX_EXAMPLE_TOKENS) for example in self._holdout]
        with self._device:
            losses = answer_losses(models, settings, examples, lambda share: self._progress("holdout", share))
        plain = losses[_UNPROTECTED]
        return {setting: np.where(self._holdout_fires, losses[setting], plain) for setting in settings}

    def _recalls(self, models: ModelSet, setting: GridSetting, part: str) -> list[NDArray[np.float64]]:
        """Return the ROUGE-L recall of the greedy answers, float64 [questions] for each of the four sets."""
        prompts = [encode_prompt(self._tokenizer, row.question) for rows in self._sets for row in rows]
        golds = [row.answer for rows in self._sets for row in rows]
        end = self._tokenizer.eos_token_id
        with self._device:
            answers = greedy_answers(
                models, setting, prompts, end, _MAX_ANSWER_TOKENS, lambda share: self._progress(part, share)
            )
        texts = self._tokenizer.batch_decode(answers, skip_special_tokens=True)
        recalls = [rouge(gold, text, stemmer=True).rougeL_recall for gold, text in zip(golds, texts, strict=True)]
        ends = np.cumsum([len(rows) for rows in self._sets])
        return np.split(np.array(recalls), ends[:-1])

    def _row(
        self,
        setting: GridSetting,
        gated: bool,
        losses: Sequence[SetLosses],
        recalls: Sequence[NDArray[np.float64]] | None,
        holdout: Losses,
        name: str = "",
    ) -> SweepRow:
        rouge_of = [float(values.mean()) for values in recalls] if recalls is not None else [float("nan")]
        ratios = losses[_FORGET].ratios
        # A rule that forbids tokens makes it 0.
        logarithms = np.log(np.maximum(ratios, np.finfo(np.float64).tiny))
        test = forget_quality(ratios, self._retain_forget_losses.ratios)
        forget = SplitScores(losses[_FORGET].likely, rouge_of[_FORGET], closer_to_one(ratios))
        retain = utility = None
        if recalls is not None:
            retain, *others = (
                SplitScores(
                    losses[number].likely if number == _RETAIN else losses[number].preferred,
                    rouge_of[number],
                    true_better(losses[number].ratios),
                )
                for number in (_RETAIN, _AUTHORS, _FACTS)
            )
            utility = model_utility(retain, *others)
        return SweepRow(
            name=name or label(setting, self._assistants),
            setting=setting,
            gated=gated,
            forget_quality=test.p_value,
            distance=test.statistic,
            ratio_mean=float(logarithms.mean()),
            ratio_spread=float(logarithms.std()),
            membership=auc(losses[_FORGET].answer, holdout),
            utility=utility,
            forget=forget,
            retain=retain,
        )


def _examples(row: PerturbedQuestion) -> list[Example]:
    answers = (row.answer, row.paraphrased_answer, *row.perturbed_answers)
    return [Example(row.question, answer) for answer in answers]


def _load_models(
    folders: ModelFolders, assistants: Sequence[Assistant], tokenizer: Any, device: Device
) -> ModelSet:
    target = _load_model(folders.target, device)
    pinned = torch.zeros(target.config.vocab_size, dtype=torch.bool, device=device)
    pinned[sorted(Vocabulary.from_tokenizer(tokenizer).special)] = True
    truncated_models: dict[int, TruncatedModel] = {}
    loaded: dict[str, tuple[TruncatedModel, Mapping[str, torch.nn.Parameter]]] = {}
    for assistant in assistants:
        assistant.belongs_to(folders.target)
        layers = assistant.manifest.layers
        if layers not in truncated_models:
            truncated_models[layers] = TruncatedModel(folders.target, layers, torch.float32, device)
        loaded[assistant.digest] = truncated_models[layers], truncated_models[layers].load(assistant.tensors())
    retain, forget = (
        _load_model(folder, device) if folder else None for folder in (folders.dd_retain, folders.dd_forget)
    )
    return ModelSet(target, loaded, retain, forget, pinned)


def _load_model(folder: str, device: Device) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        return model.eval().to(device)
    except Exception as error:
        raise ModelUnavailable(f"a model of the sweep does not load: {type(error).__name__}") from error


def _load_tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(f"the tokenizer does not load: {type(error).__name__}") from error
