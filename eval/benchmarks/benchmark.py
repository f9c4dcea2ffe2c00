"""The protocol of a benchmark: what is forgotten, what is asked, and which numbers the report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, Protocol

from eval.core.cell import NO_SAMPLES, Cell, Cells, ColumnGroup
from eval.core.figure import Figure
from eval.core.prompt import Prompt
from eval.core.sample import ReplaySamples, Sample
from eval.core.task import ItemT, Task
from guard.targets.target import Draft


class TargetTokenizer(Protocol):
    """The tokenizer and context of the model under test, on which a few benchmarks' prompts depend."""

    def cut(self, text: str, max_tokens: int) -> str:
        """Return the first tokens of a text, special tokens counted and left out; the text if there is none."""
        ...

    def fits(self, prompt: Prompt, max_tokens: int) -> bool:
        """Tell whether a prompt and an answer of `max_tokens` fit the model's context."""
        ...


class Benchmark(Protocol[ItemT]):
    """A benchmark: subclass it with a frozen dataclass, whose fields are options of its command.

    A field's help text is its metadata `help`, the command's is the class's docstring. Registered in
    eval.benchmarks.registry, it is replayed by `lethe eval NAME`. Class variables:

    name              of the benchmark and of its command
    columns           the tables of the report
    methods           run by default
    endpoint          whether prompts can be sent to an endpoint, which begins no assistant's turn
    retain_model      whether numbers compare with a retain model
    logit_difference  whether methods of logit difference can be run
    """

    name: ClassVar[str]
    columns: ClassVar[Sequence[ColumnGroup]]
    methods: ClassVar[str] = "none,decline,guard"
    endpoint: ClassVar[bool] = False
    retain_model: ClassVar[bool] = False
    logit_difference: ClassVar[bool] = False

    @property
    def split(self) -> str:
        """Return the name of the forget set in run.json."""
        return "all"

    def drafts(self, data: Path) -> Sequence[Draft]:
        """Return the forget targets; raises BadBenchmark where a file is missing or bad."""
        ...

    def tasks(self, data: Path, limit: int | None, tokenizer: TargetTokenizer) -> Sequence[Task[ItemT]]:
        """Return the tasks, each of its first `limit` rows; raises BadBenchmark as `drafts` does."""
        ...

    def cells(self, samples: ReplaySamples, run: str, tasks: Sequence[Task[ItemT]]) -> Cells:
        """Return every aggregate of one run."""
        ...

    def tables(self, samples: ReplaySamples, tasks: Sequence[Task[ItemT]]) -> Mapping[str, Mapping[str, Cells]]:
        """Return the aggregates by convention and run; one convention, the authors', unless overridden."""
        return {"authors": {run: self.cells(samples, run, tasks) for run in samples.no_likelihood}}

    def figures(self, samples: ReplaySamples, tables: Mapping[str, Mapping[str, Cells]]) -> Mapping[str, Figure]:
        """Return the figures of report.html by caption; none unless overridden."""
        return {}


AnyBenchmark = Benchmark[Any]


def mean_cell(rows: Sequence[Sample], value: str, scale: float = 1.0) -> Cell:
    """Return the mean of a value, times `scale`, over the samples that have it."""
    numbers = [number for row in rows if (number := row.number(value)) is not None]
    return Cell(fmean(numbers) * scale) if numbers else NO_SAMPLES


def touched_cell(rows: Sequence[Sample]) -> Cell:
    """Return the share of a set that the gate did not let pass."""
    if not rows:
        return NO_SAMPLES
    if all(row.plan == "server" for row in rows):
        return Cell(None, "the endpoint decides and does not tell")
    return Cell(sum(row.plan != "pass" for row in rows) / len(rows))
