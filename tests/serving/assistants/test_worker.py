"""The process that trains: what it makes of a job, and how a job ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guard.errors import InvalidTarget, ModelUnavailable
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, ForgetTarget, Method
from guard.uld.corpus import default_retain_rows
from serving.assistants import worker
from serving.assistants.queue import Job, Jobs, JobState
from serving.assistants.worker import BATCH_SIZE, MIN_STEPS_PER_EPOCH, QUEUE, corpus_of, main
from tests.guard.uld.conftest import FACTS


class Place:
    """A registry, an empty model folder and a queue."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "assistants"
        self.database = folder / "registry.db"
        self.jobs = Jobs(self.root / QUEUE)
        self.registry = Registry(self.database)

    def add(self, **draft: Any) -> ForgetTarget:
        return self.registry.add(Draft(name="Ada Quillfeather", methods=(Method.ULD,), **draft))

    def run(self, job: Job) -> Job:
        main(self.database, "no-model", self.root, job.id)
        return self.jobs.get(job.id)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr("os.nice", lambda _: 0)
    place = Place(tmp_path)
    yield place
    place.registry.close()


def test_few_texts_are_repeated_until_an_epoch_has_enough_steps() -> None:
    corpus = corpus_of(FACTS)
    assert len(corpus.forget) >= MIN_STEPS_PER_EPOCH * BATCH_SIZE
    assert set(corpus.forget) > {row.example for row in FACTS}
    assert set(corpus.retain) & {row.example for row in default_retain_rows()}


def test_without_facts_and_passages_there_is_nothing_to_train_on() -> None:
    with pytest.raises(InvalidTarget, match="nothing to train on"):
        corpus_of([])


@pytest.mark.parametrize(
    ("raised", "code"), [(ModelUnavailable("no such model"), "model_unavailable"), (KeyError(), "internal_error")]
)
def test_a_training_that_fails_says_why(
    place: Place, monkeypatch: pytest.MonkeyPatch, raised: Exception, code: str
) -> None:
    def fail(*_: Any) -> None:
        raise raised

    target = place.add(facts=(Fact(question="What did she write?", answer="The Glass Orchard."),))
    monkeypatch.setattr(worker, "_train", fail)
    ended = place.run(place.jobs.add([target.id]))
    assert (ended.state, ended.code) == (JobState.FAILED, code)


def test_a_target_revoked_in_the_meantime_is_not_trained_on(place: Place) -> None:
    target = place.add(passages=("The orchard was of glass that year.",))
    job = place.jobs.add([target.id])
    place.registry.revoke(target.id, None)
    ended = place.run(job)
    assert (ended.state, ended.code) == (JobState.FAILED, "invalid_target")


def test_a_job_that_another_process_finished_is_left_alone(place: Place) -> None:
    done = replace(place.jobs.add(["ft_1"]), state=JobState.TRAINED, assistant="a" * 64)
    place.jobs.save(done)
    assert place.run(done) == done
