"""The process of one training: `python -m serving.assistants.worker MODEL ROOT JOB_ID`.

The registry's URL, which may hold a password, is in its environment: `LETHE_DATABASE`; and so is the key of an
encrypted registry: `LETHE_ENCRYPTION_KEY`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from guard.encryption.key_source import key_of
from guard.encryption.sealing import Secret
from guard.errors import InvalidTarget, LetheError
from guard.files import exclusive_lock
from guard.registry.database import Location, location_of
from guard.registry.registry import Registry
from guard.targets.question_file import QuestionRow, rows_of_target
from guard.targets.target import State
from guard.uld.assistant import Assistants
from guard.uld.corpus import Corpus, default_retain_rows
from serving.assistants.queue import Job, Jobs, JobState

DATABASE_ENV = "LETHE_DATABASE"
KEY_ENV = "LETHE_ENCRYPTION_KEY"
QUEUE = "queue"
# A small corpus is repeated until an epoch has this many steps, so that a single fact is learnt too.
MIN_STEPS_PER_EPOCH = 20
BATCH_SIZE = 8
PROGRESS_PERIOD_S = 1.0


def main(database: Location, model: str, root: Path, job_id: str, key: Secret | None = None) -> None:
    """Run the training of a job and save how it ended; `model`, `root` and `job_id` are those of the command line.

    Waits while another process trains in the same folder.
    """
    os.nice(10)
    jobs = Jobs(root / QUEUE)
    with exclusive_lock(root / QUEUE / "lock"):
        job = jobs.get(job_id)
        if not job.open:
            return
        job = replace(job, state=JobState.TRAINING)
        try:
            digest = _train(job, jobs, corpus_of(_rows(database, key, job.targets)), model, Assistants(root))
            ended = replace(job, state=JobState.TRAINED, share=1.0, assistant=digest)
        except LetheError as error:
            ended = replace(job, state=JobState.FAILED, code=error.code, detail=error.message)
        except Exception as error:
            ended = replace(job, state=JobState.FAILED, code="internal_error", detail=type(error).__name__)
        jobs.save(ended)


def corpus_of(rows: Sequence[QuestionRow], seed: int = 0) -> Corpus:
    """Return the training corpus of the targets' rows, repeated until an epoch has enough steps.

    Raises InvalidTarget if there are no rows.
    """
    if not rows:
        raise InvalidTarget("the targets have neither facts nor passages, so there is nothing to train on")
    corpus = Corpus.build(rows, default_retain_rows(), seed)
    repeats = -(-MIN_STEPS_PER_EPOCH * BATCH_SIZE // len(corpus.forget))
    return Corpus(corpus.forget * repeats, corpus.retain * repeats)


def _train(job: Job, jobs: Jobs, corpus: Corpus, model: str, assistants: Assistants) -> str:
    from guard.uld.train import EpochLosses, Recipe, train
    from guard.uld.truncated_model import depth

    last = 0.0

    def report(share: float, epochs: Sequence[EpochLosses]) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_PERIOD_S:
            last = time.monotonic()
            jobs.save(replace(job, share=round(share, 3)))

    recipe = Recipe(layers=max(1, round(depth(model) / 4)), batch=BATCH_SIZE)
    return train(model, corpus, recipe, assistants, report, job.targets).digest


def _rows(database: Location, key: Secret | None, targets: Sequence[str]) -> list[QuestionRow]:
    registry = Registry(database, key)
    try:
        found = [registry.get(target_id) for target_id in targets]
    finally:
        registry.close()
    if any(target.state is not State.ACTIVE for target in found):
        raise InvalidTarget("a target was revoked before the training began")
    return [row for target in found for row in rows_of_target(target.draft)]


if __name__ == "__main__":
    given = os.environ.get(KEY_ENV)
    opens = key_of(given) if given else None
    main(location_of(os.environ[DATABASE_ENV]), sys.argv[1], Path(sys.argv[2]), sys.argv[3], opens)
