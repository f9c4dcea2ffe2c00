from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.serving.engine.vllm_contract import ROOT, SAMPLE_V2, Sources, violations

pytest.importorskip("vllm", reason="the engine is not installed")

FETCHED = Path(os.environ.get("VLLM_SOURCES", str(ROOT / ".vllm-sources")))
"""Where `make contract` puts the sources of the versions that are not installed."""


def installed() -> Path:
    spec = find_spec("vllm")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def test_the_installed_version_keeps_the_contract() -> None:
    assert violations(Sources(installed())) == []


@pytest.mark.parametrize("version", ["0.33"])
def test_other_supported_versions_keep_it(version: str) -> None:
    folder = FETCHED / version / "vllm"
    if not folder.is_dir():
        pytest.skip(f"the sources of vLLM {version} are not here: make contract fetches them")
    assert violations(Sources(folder)) == []


def changed(file: str, *replaced: tuple[str, str]) -> dict[str, str]:
    text = (installed() / file).read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return {file: text}


def test_a_version_that_breaks_it_is_listed_line_by_line() -> None:
    """0.34, as it might be."""
    completion, interface = (
        "entrypoints/openai/completion/protocol.py",
        SAMPLE_V2 + "logits_processor/interface.py",
    )
    custom = "            *custom_logits_processors,\n"
    stages = (custom, ""), ("            logit_bias_state,\n", custom + "            logit_bias_state,\n")
    changes = {
        **changed("v1/engine/async_llm.py", ("class AsyncLLM(", "class AsyncEngine(")),
        **changed(completion, ("    top_k: ", "    oracle: bool = False\n    best_k: ")),
        **changed(interface, ("    input_ids: ", "    draft_ids: ")),
        **changed("engine/arg_utils.py", ('"--logprobs-mode"', '"--logprob-mode"')),
        **changed(SAMPLE_V2 + "sampler.py", *stages),
    }
    doctored = Sources(installed(), changes)
    found = violations(doctored)
    assert "import gone: vllm.v1.engine.async_llm.AsyncLLM (used in serving/engine/embedded.py)" in found
    assert "class gone: AsyncLLM in vllm/v1/engine/async_llm.py" in found
    assert "request field new: CompletionRequest.oracle has no decision in serving/protocol/fields.py" in found
    assert "request field gone: CompletionRequest.top_k, which passes to the engine on /v1/completions" in found
    assert f"member gone: LogitsContext.input_ids in vllm/{SAMPLE_V2}logits_processor/interface.py" in found
    assert "flag gone: --logprobs-mode" in found
    (order,) = [line for line in found if line.startswith("sampler order")]
    assert "('*custom_logits_processors', 'logit_bias_state'" in order


def test_what_moved_is_found_at_its_new_place() -> None:
    """As 0.33 has it: the functions that read the flags are elsewhere."""
    file = "entrypoints/launchers/cli_args.py"
    text = (installed() / file).read_text(encoding="utf-8")
    moved = Sources(installed(), {file: "", "entrypoints/common/cli_args.py": text})
    assert violations(moved) == []
    assert [line[:11] for line in violations(Sources(installed(), {file: ""}))][:2] == ["import gone"] * 2
