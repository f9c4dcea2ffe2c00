"""Runs methods over the tasks of a benchmark, chunk after chunk, each on disk before the next begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from eval.core.ask import Runner, Said
from eval.core.sample import Key, Sample, Value
from eval.core.task import Item, Task
from eval.harness.store import Store
from eval.methods.method import Method, Treatment

CHUNK = 64
SPOKEN = "spoken_log_probs"
"""The value of a sample that holds log p of each token of its own answer, where the runner is shown them."""

Progress = Callable[[str, str, int, int], None]
"""Told the run, the set, and how many of how many samples are known."""


class Session:
    """Fills a store with samples, `chunk` at a time; those it already holds are not asked for again."""

    def __init__(self, store: Store, progress: Progress, chunk: int = CHUNK) -> None:
        self._store = store
        self._progress = progress
        self._chunk = chunk

    def run(
        self, name: str, method: Method, runner: Runner, tasks: Sequence[Task], base: str | None = None
    ) -> None:
        """Ask everything under `method`; samples become those of the run `name`.

        A prompt that the method leaves as it is takes its answer and scores from the run `base`, where it is
        known: it is served from the same distribution.
        """
        for task in tasks:
            known = [Key(name, task.name, index) in self._store.samples for index in range(len(task.items))]
            missing = [index for index, there in enumerate(known) if not there]
            # Answers of like length share a batch, as a batch costs what its longest costs.
            missing.sort(key=lambda index: sum(map(len, task.items[index].answers)))
            done = len(task.items) - len(missing)
            self._progress(name, task.name, done, len(task.items))
            for start in range(0, len(missing), self._chunk):
                chunk = missing[start : start + self._chunk]
                work = _Work(task, name, method, runner, self._store.samples, base)
                self._store.add(work.samples(chunk))
                done += len(chunk)
                self._progress(name, task.name, done, len(task.items))


class _Work:
    """One chunk of one task under one method."""

    def __init__(
        self,
        task: Task,
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
        """The samples of these rows, in no order."""
        treated = {index: self._treat(self._task.items[index]) for index in indices}
        taken = {index: base for index, t in treated.items() if (base := self._unchanged(index, t))}
        fresh = [index for index in indices if index not in taken]
        answers, scores = self._answers(fresh, treated), self._scores(fresh, treated)
        for index in indices:
            treatment = treated[index]
            if index in taken:
                yield self._sample(index, treatment, taken[index].text, self._of(taken[index]))
            elif index in answers:
                said = answers[index]
                yield self._sample(index, treatment, said.text, {**scores[index], **self._spoken(said)})
            else:
                yield self._sample(index, treatment, treatment.reply, scores[index])

    def _sample(self, index: int, treatment: Treatment, text: str | None, values: Mapping[str, Value]) -> Sample:
        if text is not None and treatment.reply is None:
            text = self._method.finish(text)
        measured = self._task.on_text(self._task.items[index], text) if text is not None else {}
        return Sample(Key(self._name, self._task.name, index), treatment.plan, text, {**values, **measured})

    def _treat(self, item: Item) -> Treatment:
        return self._method.treat(item.ask, item.seen)

    def _unchanged(self, index: int, treatment: Treatment) -> Sample | None:
        same = treatment.reply is None and treatment.ask == self._task.items[index].ask
        return self._known.get(Key(self._base, self._task.name, index)) if self._base and same else None

    def _of(self, base: Sample) -> Mapping[str, Value]:
        return {} if self._method.no_likelihood else base.values

    def _spoken(self, said: Said) -> Mapping[str, Value]:
        return {} if self._method.no_likelihood or not said.log_probs else {SPOKEN: said.log_probs}

    def _answers(self, indices: Sequence[int], treated: Mapping[int, Treatment]) -> dict[int, Said]:
        if not self._task.max_tokens:
            return {}
        asked = [index for index in indices if treated[index].reply is None]
        said = self._runner.generate([treated[index].ask for index in asked], self._task.max_tokens)
        return dict(zip(asked, said, strict=True))

    def _scores(self, indices: Sequence[int], treated: Mapping[int, Treatment]) -> dict[int, Mapping[str, Value]]:
        if self._method.no_likelihood or self._runner.no_likelihood:
            return {index: {} for index in indices}
        scored = [i for i in indices if self._task.items[i].answers and treated[i].reply is None]
        forced = self._runner.score(
            [treated[index].ask for index in scored],
            [self._task.items[index].answers for index in scored],
            end=self._task.end,
            vocabulary=self._task.vocabulary,
        )
        values = {
            index: self._task.on_forced(self._task.items[index], answers)
            for index, answers in zip(scored, forced, strict=True)
        }
        return {index: values.get(index, {}) for index in indices}
