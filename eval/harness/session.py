"""Runs methods over tasks, chunk after chunk; a chunk is on disk before the next begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from eval.core.runner import Generation, Runner
from eval.core.sample import ANSWER_LOG_PROBS, Key, Sample, Value
from eval.core.task import Item, Task
from eval.harness.store import Store
from eval.methods.method import Method, PreparedPrompt

CHUNK_SAMPLES: Final = 64

Progress = Callable[[str, str, int, int], None]
"""Called with the run, the set, and how many of how many samples are known."""


class Session:
    """Fills a store with samples, `chunk` at a time; samples that the store holds already are not run again."""

    def __init__(self, store: Store, progress: Progress, chunk: int = CHUNK_SAMPLES) -> None:
        self._store = store
        self._progress = progress
        self._chunk = chunk

    def run(
        self, name: str, method: Method, runner: Runner, tasks: Sequence[Task[Any]], base: str | None = None
    ) -> None:
        """Run every item under `method`; the samples belong to the run `name`.

        A prompt that the method does not change takes its answer and scores from the run `base`, where they are
        known: it is served from the same distribution.
        """
        for task in tasks:
            known = [Key(name, task.name, index) in self._store.samples for index in range(len(task.items))]
            missing = [index for index, there in enumerate(known) if not there]
            # Answers of similar length share a batch, which costs as much as its longest.
            missing.sort(key=lambda index: sum(map(len, task.items[index].answers)))
            done = len(task.items) - len(missing)
            self._progress(name, task.name, done, len(task.items))
            for start in range(0, len(missing), self._chunk):
                indices = missing[start : start + self._chunk]
                chunk = _Chunk(task, name, method, runner, self._store.samples, base)
                self._store.add(chunk.samples(indices))
                done += len(indices)
                self._progress(name, task.name, done, len(task.items))


class _Chunk:
    """One chunk of one task under one method."""

    def __init__(
        self,
        task: Task[Any],
        name: str,
        method: Method,
        runner: Runner,
        known: Mapping[Key, Sample],
        base: str | None,
    ) -> None:
        self._task = task
        self._name = name
        self._method = method
        self._runner = runner
        self._known = known
        self._base = base

    def samples(self, indices: Sequence[int]) -> Iterator[Sample]:
        """Yield the samples of these rows, in their order."""
        prepared = {index: self._prepare(self._task.items[index]) for index in indices}
        reused = {index: base for index, p in prepared.items() if (base := self._base_sample(index, p))}
        fresh = [index for index in indices if index not in reused]
        generations, scores = self._generate(fresh, prepared), self._score(fresh, prepared)
        for index in indices:
            prompt = prepared[index]
            if index in reused:
                yield self._sample(index, prompt, reused[index].text, self._base_values(reused[index]))
            elif index in generations:
                generation = generations[index]
                values = {**scores[index], **self._log_probs(generation)}
                yield self._sample(index, prompt, generation.text, values)
            else:
                yield self._sample(index, prompt, prompt.reply, scores[index])

    def _sample(
        self, index: int, prepared: PreparedPrompt, text: str | None, values: Mapping[str, Value]
    ) -> Sample:
        if text is not None and prepared.reply is None:
            text = self._method.finish(text)
        measured = self._task.measure_text(self._task.items[index], text) if text is not None else {}
        return Sample(Key(self._name, self._task.name, index), prepared.plan, text, {**values, **measured})

    def _prepare(self, item: Item) -> PreparedPrompt:
        return self._method.prepare(item.prompt, item.detector_text)

    def _base_sample(self, index: int, prepared: PreparedPrompt) -> Sample | None:
        same = prepared.reply is None and prepared.prompt == self._task.items[index].prompt
        return self._known.get(Key(self._base, self._task.name, index)) if self._base and same else None

    def _base_values(self, base: Sample) -> Mapping[str, Value]:
        return {} if self._method.no_likelihood else base.values

    def _log_probs(self, generation: Generation) -> Mapping[str, Value]:
        if self._method.no_likelihood or not generation.log_probs:
            return {}
        return {ANSWER_LOG_PROBS: generation.log_probs}

    def _generate(self, indices: Sequence[int], prepared: Mapping[int, PreparedPrompt]) -> dict[int, Generation]:
        if not self._task.max_tokens:
            return {}
        generated = [index for index in indices if prepared[index].reply is None]
        prompts = [prepared[index].prompt for index in generated]
        return dict(zip(generated, self._runner.generate(prompts, self._task.max_tokens), strict=True))

    def _score(
        self, indices: Sequence[int], prepared: Mapping[int, PreparedPrompt]
    ) -> dict[int, Mapping[str, Value]]:
        if self._method.no_likelihood or self._runner.no_likelihood:
            return {index: {} for index in indices}
        scored = [i for i in indices if self._task.items[i].answers and prepared[i].reply is None]
        answers = self._runner.score(
            [prepared[index].prompt for index in scored],
            [self._task.items[index].answers for index in scored],
            end=self._task.end,
            vocabulary=self._task.vocabulary,
        )
        values = {
            index: self._task.measure_scores(self._task.items[index], given)
            for index, given in zip(scored, answers, strict=True)
        }
        return {index: values.get(index, {}) for index in indices}
