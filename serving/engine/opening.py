"""The engines that the settings name: an embedded one, a remote one, or several remote ones as a pool."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from guard.workers.workers import Workers
from serving.engine.embedded import open_embedded
from serving.engine.pool import EnginePool, SameModel
from serving.engine.remote import open_remote
from serving.engine.self_test import self_test
from serving.engine.supervisor import Engines, Opener, RunningEngine, SelfTest, Supervisor
from serving.settings import Settings


def engines_of(settings: Settings, model: str, workers: Workers) -> Engines:
    """Return the supervised engines of these settings; `model` is that of an embedded one, `workers` are those of
    all of them."""
    prove = partial(_prove, settings)
    if not settings.engines:
        return Supervisor(lambda: open_embedded(settings, model), prove, settings.start_timeout)
    if len(settings.engines) == 1:
        (url,) = settings.engines
        return Supervisor(_opener(settings, url), prove, settings.start_timeout, url)
    same = SameModel()

    async def prove_same(url: str, engine: RunningEngine) -> None:
        await same.check(engine)
        await prove(engine, workers.test_of(url))

    def supervisor(url: str) -> Supervisor:
        test: SelfTest = partial(prove_same, url)
        return Supervisor(_opener(settings, url), test, settings.start_timeout, url)

    return EnginePool({url: supervisor(url) for url in settings.engines}, workers.unready_at)


def _opener(settings: Settings, url: str) -> Opener:
    return lambda: open_remote(url, settings.engine_key)


async def _prove(
    settings: Settings, engine: RunningEngine, names: Callable[[str], object] = lambda digest: None
) -> None:
    # Of an engine elsewhere nobody can tell which runner it uses.
    batches = bool(settings.engine) or engine.preempt is not None
    await self_test(engine.app, settings.policy_dir, engine.preempt, batches=batches, names=names)
