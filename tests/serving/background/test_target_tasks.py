from __future__ import annotations

import asyncio

import pytest

from serving.background.target_tasks import TargetTasks

pytestmark = pytest.mark.anyio


class Work:
    """Work that begins, waits, and takes two turns of the loop to end once it is cancelled."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.may_end = asyncio.Event()

    async def run(self) -> None:
        self.steps.append("begun")
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.steps.append("cancelled")
            raise
        self.steps.append("done")


@pytest.fixture
def tasks() -> TargetTasks:
    return TargetTasks()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_task_runs_until_it_ends(tasks: TargetTasks) -> None:
    work = Work()
    tasks.start("ft_1", work.run())
    await settle()
    assert work.steps == ["begun"]
    work.may_end.set()
    await settle()
    assert work.steps == ["begun", "done"]


async def test_what_runs_for_a_target_is_cancelled_and_nothing_else(tasks: TargetTasks) -> None:
    first, second = Work(), Work()
    tasks.start("ft_1", first.run())
    tasks.start("ft_2", second.run())
    await settle()
    tasks.cancel("ft_1")
    tasks.cancel("ft_unknown")
    await settle()
    assert (first.steps, second.steps) == (["begun", "cancelled"], ["begun"])
    await tasks.close()


async def test_what_ends_is_not_broken_off_when_it_is_cancelled_again(tasks: TargetTasks) -> None:
    work = Work()
    tasks.start("ft_1", work.run())
    await settle()
    tasks.cancel("ft_1")
    await asyncio.sleep(0)
    tasks.cancel("ft_1")
    await tasks.close()
    assert work.steps == ["begun", "cancelled"]


async def test_closing_waits_for_all_also_for_one_whose_target_has_the_next(tasks: TargetTasks) -> None:
    first, second = Work(), Work()
    tasks.start("ft_1", first.run())
    await settle()
    tasks.cancel("ft_1")
    tasks.start("ft_1", second.run())
    await asyncio.sleep(0)
    await tasks.close()
    assert (first.steps, second.steps) == (["begun", "cancelled"], ["begun", "cancelled"])


async def test_a_task_that_fails_does_not_fail_the_close(tasks: TargetTasks) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    tasks.start("ft_1", fail())
    await tasks.close()
