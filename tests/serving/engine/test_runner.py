from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from guard.decoding.request_args import PROCESSORS, PROCESSORS_V2
from guard.errors import EngineUnavailable
from serving.engine.runner import Runner, preempt_of, processors_for


def config(v2: bool, rejection: str | None = None) -> Any:
    """What vLLM says of the runner that it will use, and of speculative decoding."""
    speculative = SimpleNamespace(rejection_sample_method=rejection) if rejection else None
    return SimpleNamespace(use_v2_model_runner=v2, speculative_config=speculative)


@pytest.mark.parametrize(("v2", "runner"), [(False, "auto"), (False, "v1"), (True, "auto"), (True, "v2")])
def test_the_processors_are_those_of_the_runner_that_vllm_uses(v2: bool, runner: Runner) -> None:
    assert processors_for(config(v2), runner) == (PROCESSORS_V2 if v2 else PROCESSORS)


@pytest.mark.parametrize(("v2", "runner"), [(False, "v2"), (True, "v1")])
def test_another_runner_than_vllm_uses_is_refused_not_forced(v2: bool, runner: Runner) -> None:
    with pytest.raises(EngineUnavailable, match="V2 runner here" if v2 else "V1 runner here"):
        processors_for(config(v2), runner)


@pytest.mark.parametrize("method", ["standard", "block"])
def test_speculative_decoding_is_allowed_on_v2_alone(method: str) -> None:
    assert processors_for(config(True, method), "auto") == PROCESSORS_V2
    with pytest.raises(EngineUnavailable, match="needs vLLM's V2 runner"):
        processors_for(config(False, method), "auto")


@pytest.mark.parametrize("method", ["synthetic", "fly", "one of tomorrow"])
def test_methods_that_may_accept_a_masked_draft_are_refused(method: str) -> None:
    with pytest.raises(EngineUnavailable, match="drafts that are masked"):
        processors_for(config(True, method), "auto")


def test_an_engine_that_nobody_has_shown_to_be_restricted_is_refused() -> None:
    transfer = SimpleNamespace(kv_connector="NixlConnector", kv_role="kv_both")
    parted = SimpleNamespace(**vars(config(True)), kv_transfer_config=transfer)
    with pytest.raises(EngineUnavailable, match="prefill and decoding on different engines"):
        processors_for(parted, "auto")


def test_both_runners_get_the_same_three_in_the_same_order() -> None:
    assert [path.split(":")[1] for path in PROCESSORS_V2] == [path.split(":")[1] for path in PROCESSORS]
    assert PROCESSORS_V2[-1] == "guard.vllm_v2:RestrictionProcessor"


@pytest.mark.anyio
async def test_running_requests_are_preempted_on_v2_alone() -> None:
    asked: list[dict[str, Any]] = []

    async def reset(**how: Any) -> None:
        asked.append(how)

    v1, v2 = (SimpleNamespace(vllm_config=config(one), reset_prefix_cache=reset) for one in (False, True))
    assert preempt_of(v1) is None
    preempt = preempt_of(v2)
    assert preempt is not None
    await preempt()
    assert asked == [{"reset_running_requests": True}]
