"""Elicitations of targets as background jobs, one after the other: started, watched, cancelled, accepted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from guard.detection.embedder import Embedder
from guard.errors import LetheError, RequestRefused
from guard.registry.registry import Registry
from guard.targets.elicitation import Elicitation, Proposal, compared, with_accepted
from guard.targets.target import Draft, ForgetTarget, Kind
from serving.background.target_tasks import TargetTasks
from serving.elicitation.asking import Options
from serving.elicitation.changes import same_in_other_words
from serving.elicitation.rounds import Controls, elicit
from serving.elicitation.served_model import ServedModel
from serving.http.asgi import App

log = logging.getLogger("lethe.elicitation")


LOST = "the server stopped before it ended: ask again"


class SecretNotElicited(RequestRefused):
    """A secret: nobody may ask the model for one."""

    code = "secret_not_elicited"
    status = 409


class NotElicited(LetheError):
    """The target was not elicited, or has no such proposal."""

    code = "not_elicited"
    status = 404


class NothingElicited(LetheError):
    """The engine answered none of the prompts: a remote one with processors of an older version."""

    code = "nothing_elicited"
    status = 502


ChangeTarget = Callable[[ForgetTarget, Draft], ForgetTarget]
"""Has a target become a draft, now or once that is approved, and returns the target as it stands then."""


class JobState(StrEnum):
    """The state of an elicitation; `lost`: the server stopped before it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(slots=True)
class Job:
    """The elicitation of one target, without any text.

    share         progress from 0 to 1
    code, detail  the error of a failed one, or ""
    """

    target_id: str
    state: JobState = JobState.QUEUED
    share: float = 0.0
    code: str = ""
    detail: str = ""

    @property
    def open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)


class ElicitationService:
    """Asks the served model about targets, one at a time. `changed` is called when proposals were accepted.

    Jobs are lost with the process, which the registry remembers; what they have found is in the registry.
    `start`, `cancel` and `close` belong to the event loop, the rest blocks.
    """

    def __init__(
        self, registry: Registry, embedder: Embedder, engine: Callable[[], App | None], changed: Callable[[], None]
    ) -> None:
        self._registry = registry
        self._embedder = embedder
        self._model = ServedModel(engine)
        self._changed = changed
        self._turn = asyncio.Lock()
        # What the model of this name answered about invented names.
        self._controls, self._controls_of = Controls(), ""
        self._jobs: dict[str, Job] = {}
        self._tasks = TargetTasks()

    def start(
        self, target: ForgetTarget, options: Options, *, accept: bool, change: ChangeTarget | None = None
    ) -> Job:
        """Queue the elicitation of an active target, unless it has one that has not ended, and return it.

        `accept`: whether all that is found is accepted, by `change` as below. Raises SecretNotElicited, and
        EngineUnavailable while no engine is ready.
        """
        if target.draft.kind is Kind.SECRET:
            raise SecretNotElicited("a secret is never asked for: give what must be kept as its facts or phrases")
        self._model.require_engine()
        job = self._jobs.get(target.id)
        if job is None or not job.open:
            job = self._jobs[target.id] = Job(target.id)
            self._tasks.start(target.id, self._run(job, target, options, accept, change))
        return job

    def job(self, target_id: str) -> Job | None:
        """Return the last elicitation of a target: one since the server started, or one that was lost, if any."""
        job = self._jobs.get(target_id)
        if job is None and self._registry.elicitations.is_open(target_id):
            return Job(target_id, JobState.LOST, detail=LOST)
        return job

    def cancel(self, target_id: str) -> None:
        """Cancel the elicitation of a target if it has not ended; what was found before stays."""
        job = self._jobs.get(target_id)
        if job is not None and job.open:
            job.state = JobState.CANCELLED
            self._tasks.cancel(target_id)

    async def close(self) -> None:
        """Cancel all elicitations."""
        await self._tasks.close()

    def accept(
        self, target_id: str, ids: Collection[str] | None, change: ChangeTarget | None = None
    ) -> ForgetTarget:
        """Add what is proposed to an active target: all of it, or the proposals of these ids.

        `change` changes the target; None: at once. Raises what that does, UnknownTarget, NotElicited,
        InvalidTarget where the target would have too many, or StaleRevision where it was changed meanwhile.
        """
        target = self._registry.get(target_id)
        elicitation = self._registry.elicitations.get(target_id)
        proposals = elicitation.proposals if elicitation else ()
        if elicitation is None or (ids is not None and not set(ids) <= {one.id for one in proposals}):
            raise NotElicited("the target has no such proposal")
        draft = with_accepted(target.draft, (one for one in proposals if ids is None or one.id in ids))
        return target if draft == target.draft else (change or self._change)(target, draft)

    def _change(self, target: ForgetTarget, draft: Draft) -> ForgetTarget:
        return self._registry.change(target.id, draft, target.revision)

    async def _run(
        self, job: Job, target: ForgetTarget, options: Options, accept: bool, change: ChangeTarget | None
    ) -> None:
        state, code, detail = JobState.DONE, "", ""
        # Not awaited yet: its place in the queue is that of its start.
        noted = asyncio.create_task(asyncio.to_thread(self._registry.elicitations.begin, target.id))
        try:
            async with self._turn:
                await noted
                job.state = JobState.RUNNING
                await self._elicit(job, target, options)
                if accept:
                    await asyncio.to_thread(self.accept, target.id, None, change)
                    self._changed()
        except asyncio.CancelledError:
            if not job.open:
                await asyncio.wait([noted])
                await self._end(job, JobState.CANCELLED)
            # Nobody cancelled it: the server stops, and the job is lost.
            raise
        except LetheError as error:
            state, code, detail = JobState.FAILED, error.code, error.message
        except Exception as error:
            state, code, detail = JobState.FAILED, LetheError.code, type(error).__name__
        await self._end(job, state, code, detail)

    async def _end(self, job: Job, state: JobState, code: str = "", detail: str = "") -> None:
        await asyncio.to_thread(self._registry.elicitations.end, job.target_id)
        job.code, job.detail = code, detail
        job.share = 1.0 if state is JobState.DONE else job.share
        # Last: what has ended may begin again.
        job.state = state
        log.info("elicitation of %s: %s", job.target_id, state.value)

    async def _elicit(self, job: Job, target: ForgetTarget, options: Options) -> None:
        def report(share: float) -> None:
            job.share = round(share, 3)

        name = await self._model.name()
        draft = target.draft
        if name != self._controls_of:
            self._controls, self._controls_of = Controls(), name
        found = await elicit(self._model, draft.name, draft.kind, self._embedder, options, report, self._controls)
        if not found.answers:
            raise NothingElicited(
                "the engine answered no prompt: a remote engine must run the processors of this version"
            )
        await asyncio.to_thread(self._keep, target.id, name, found.answers, found.proposals)

    def _keep(self, target_id: str, model: str, answers: int, proposals: tuple[Proposal, ...]) -> None:
        before = self._registry.elicitations.get(target_id)
        past = before.proposals if before else ()
        proposals = compared(proposals, past, same_in_other_words(proposals, past, self._embedder))
        kept = Elicitation(model=model, at=datetime.now(UTC), answers=answers, proposals=proposals)
        self._registry.elicitations.keep(target_id, kept)
