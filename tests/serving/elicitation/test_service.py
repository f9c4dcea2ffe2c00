from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from guard.errors import EngineUnavailable, UnknownTarget
from guard.registry.registry import Registry
from guard.targets.elicitation import Change
from guard.targets.target import Draft, ForgetTarget, Kind
from serving.elicitation.asking import Options, Sampling
from serving.elicitation.forms import Prompt
from serving.elicitation.service import (
    ElicitationService,
    JobState,
    NotElicited,
    SecretNotElicited,
)
from serving.elicitation.statements import Answer
from tests.serving.elicitation.scripted import WordEmbedder

pytestmark = pytest.mark.anyio

OPTIONS = Options(samples=0, temperatures=(), languages=("en",))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Model:
    """Says of Ilse Quorne where she lives; waits while `held`."""

    def __init__(self) -> None:
        self.home = "Varnholt"
        self.held = asyncio.Event()
        self.held.set()
        self.ready = True
        self.fails = False
        self.answers = True

    def require_engine(self) -> None:
        if not self.ready:
            raise EngineUnavailable("the engine is not ready")

    async def name(self) -> str:
        return "served"

    async def say(self, prompt: Prompt, sampling: Sampling) -> Sequence[Answer]:
        await self.held.wait()
        if self.fails:
            raise EngineUnavailable("the engine died")
        is_asked = self.answers and "Quorne" in prompt.question and not prompt.answer
        return [Answer(prompt, f"Ilse Quorne lives in {self.home}.")] if is_asked else []

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Sequence[str]:
        return []


class Elicitor(ElicitationService):
    """The service with the scripted model."""

    def __init__(self, registry: Registry) -> None:
        self.changes = 0
        super().__init__(registry, WordEmbedder(), lambda: None, self.changed)
        self.model = self._model = Model()  # type: ignore[assignment]

    def changed(self) -> None:
        self.changes += 1

    async def running(self, target_id: str) -> None:
        while (job := self.job(target_id)) is not None and job.state is JobState.QUEUED:
            await asyncio.sleep(0.001)

    async def done(self, target_id: str) -> JobState:
        while (job := self.job(target_id)) is not None and job.open:
            await asyncio.sleep(0.001)
        assert job is not None
        return job.state


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Elicitor]:
    registry = Registry(tmp_path / "registry.db")
    service = Elicitor(registry)
    yield service
    await service.close()
    registry.close()


def add(service: Elicitor, name: str = "Ilse Quorne", kind: Kind = Kind.PERSON) -> ForgetTarget:
    return service._registry.add(Draft(name=name, kind=kind))


async def elicited(service: Elicitor, target: ForgetTarget, *, accept: bool = False) -> JobState:
    service.start(target, OPTIONS, accept=accept)
    return await service.done(target.id)


def changes(service: Elicitor, target: ForgetTarget) -> dict[str, Change]:
    found = service._registry.elicitations.get(target.id)
    assert found is not None
    return {one.text: one.change for one in found.proposals}


async def test_what_is_found_is_stored_and_changes_nothing(service: Elicitor) -> None:
    target = add(service)
    assert await elicited(service, target) is JobState.DONE
    assert changes(service, target) == {"Ilse Quorne lives in Varnholt.": Change.NEW, "Varnholt": Change.NEW}
    assert service._registry.get(target.id) == target
    assert service.changes == 0


async def test_all_that_is_found_can_be_accepted_at_once(service: Elicitor) -> None:
    target = add(service)
    assert await elicited(service, target, accept=True) is JobState.DONE
    draft = service._registry.get(target.id).draft
    assert [fact.answer for fact in draft.facts] == ["Ilse Quorne lives in Varnholt."]
    assert draft.phrases == ("Varnholt",)
    assert service.changes == 1


async def test_proposals_are_accepted_one_by_one(service: Elicitor) -> None:
    target = add(service)
    await elicited(service, target)
    found = service._registry.elicitations.get(target.id)
    assert found is not None
    (place,) = (one.id for one in found.proposals if one.text == "Varnholt")
    accepted = service.accept(target.id, [place])
    assert (accepted.draft.phrases, accepted.draft.facts, accepted.revision) == (("Varnholt",), (), 2)
    assert service.accept(target.id, [place]) == accepted
    with pytest.raises(NotElicited):
        service.accept(target.id, [place, "0" * 16])


async def test_nothing_is_accepted_that_was_not_elicited(service: Elicitor) -> None:
    target = add(service)
    with pytest.raises(NotElicited):
        service.accept(target.id, None)
    with pytest.raises(UnknownTarget):
        service.accept("ft_none", None)


async def test_after_a_change_of_the_model_it_shows_what_is_new_and_what_is_gone(service: Elicitor) -> None:
    target = add(service)
    await elicited(service, target)
    service.model.home = "Quillmere"
    await elicited(service, target)
    assert changes(service, target) == {
        "Ilse Quorne lives in Quillmere.": Change.NEW,
        "Quillmere": Change.NEW,
        "Ilse Quorne lives in Varnholt.": Change.GONE,
        "Varnholt": Change.GONE,
    }


async def test_a_secret_is_never_asked_for(service: Elicitor) -> None:
    with pytest.raises(SecretNotElicited):
        service.start(add(service, kind=Kind.SECRET), OPTIONS, accept=False)


async def test_without_an_engine_nothing_is_queued(service: Elicitor) -> None:
    target = add(service)
    service.model.ready = False
    with pytest.raises(EngineUnavailable):
        service.start(target, OPTIONS, accept=False)
    assert service.job(target.id) is None


async def test_a_failing_engine_fails_the_job_with_its_code(service: Elicitor) -> None:
    target = add(service)
    service.model.fails = True
    assert await elicited(service, target) is JobState.FAILED
    job = service.job(target.id)
    assert job is not None
    assert (job.code, job.detail) == ("engine_unavailable", "the engine died")


async def test_an_engine_that_answers_nothing_fails_the_job_and_what_was_found_before_stays(
    service: Elicitor,
) -> None:
    target = add(service)
    await elicited(service, target)
    service.model.answers = False
    assert await elicited(service, target) is JobState.FAILED
    job = service.job(target.id)
    assert job is not None
    assert job.code == "nothing_elicited"
    assert "processors of this version" in job.detail
    assert changes(service, target)["Varnholt"] is Change.NEW


async def test_a_job_is_lost_when_the_server_stops_and_the_next_server_says_so(service: Elicitor) -> None:
    target = add(service)
    service.model.held.clear()
    service.start(target, OPTIONS, accept=False)
    while not service._registry.elicitations.is_open(target.id):
        await asyncio.sleep(0.001)
    await service.close()
    after = Elicitor(service._registry)
    job = after.job(target.id)
    assert job is not None
    assert (job.state, job.detail) == (JobState.LOST, "the server stopped before it ended: ask again")
    assert await elicited(after, target) is JobState.DONE
    assert Elicitor(service._registry).job(target.id) is None


@pytest.mark.parametrize("how", ["done", "failed", "cancelled", "revoked"])
async def test_a_job_that_has_ended_is_not_lost(service: Elicitor, how: str) -> None:
    target = add(service)
    if how == "cancelled":
        service.model.held.clear()
        service.start(target, OPTIONS, accept=False)
        await service.running(target.id)
        service.cancel(target.id)
        await service.close()
    else:
        service.model.fails = how == "failed"
        await elicited(service, target)
    if how == "revoked":
        service._registry.elicitations.begin(target.id)
        service._registry.revoke(target.id)
    assert Elicitor(service._registry).job(target.id) is None


async def test_one_at_a_time_and_one_of_a_target(service: Elicitor) -> None:
    first, second = add(service), add(service, "Bram Quorne")
    service.model.held.clear()
    job = service.start(first, OPTIONS, accept=False)
    other = service.start(second, OPTIONS, accept=False)
    await service.running(first.id)
    assert service.start(first, OPTIONS, accept=False) is job
    assert (job.state, other.state) == (JobState.RUNNING, JobState.QUEUED)
    service.model.held.set()
    assert await service.done(second.id) is JobState.DONE


async def test_one_that_is_cancelled_leaves_the_turn_to_the_next(service: Elicitor) -> None:
    first, second = add(service), add(service, "Bram Quorne")
    service.model.held.clear()
    for target in (first, second):
        service.start(target, OPTIONS, accept=False)
    await service.running(first.id)
    service.cancel(first.id)
    assert await service.done(first.id) is JobState.CANCELLED
    service.model.held.set()
    assert await service.done(second.id) is JobState.DONE
    assert service._registry.elicitations.get(first.id) is None


async def test_a_target_that_ends_meanwhile_keeps_nothing(service: Elicitor) -> None:
    target = add(service)
    service.model.held.clear()
    service.start(target, OPTIONS, accept=True)
    await service.running(target.id)
    service._registry.revoke(target.id)
    service.model.held.set()
    assert await service.done(target.id) is JobState.FAILED
    job = service.job(target.id)
    assert job is not None
    assert job.code == "unknown_target"


async def test_the_log_has_no_text(service: Elicitor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        target = add(service)
        await elicited(service, target, accept=True)
    assert target.id in caplog.text
    for text in ("Quorne", "Varnholt", "lives"):
        assert text not in caplog.text
