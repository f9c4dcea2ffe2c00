from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.demo.cache import ensure_demo_model
from tests.e2e.replay import Interrupted, Replay, Samples
from tests.e2e.server import GUARDRAIL_KEY, Server, free_port, serving

ENGINE_TIMEOUT = 300.0


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tofu_full(shared: Path) -> Path:
    return shared / "models" / "tofu-full"


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The demo model as a newcomer gets it: trained once into .lethe/test-demo, found there by later runs."""
    return ensure_demo_model(ROOT / ".lethe" / "test-demo", progress=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on both kinds of engine, or on those its module names: above the engine they share all code."""
    if "server" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "ENGINES", ("embedded", "remote"))
        metafunc.parametrize("server", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tofu_full: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One guarded server per kind of engine, shared by every test: each leaves its policy empty."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with serving(folder, "--model", str(tofu_full)) as running:
            yield running
    else:
        with remote_engine(tofu_full, folder) as url, serving(folder, "--engine", url) as running:
            running.engine = request.param
            yield running


@pytest.fixture(scope="session")
def exact(tofu_full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in float32 with a scoring plane, with answers like the reference's; shared as `server` is."""
    port = free_port()
    flags = ("--model", str(tofu_full), "--eval-port", str(port))
    with serving(tmp_path_factory.mktemp("exact"), *flags, LETHE_ENGINE_ARGS="--dtype float32") as running:
        running.eval_port = port
        yield running


@pytest.fixture(scope="session")
def demo(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the demo model, with a key for the guardrail; shared as `server` is."""
    environment = {"LETHE_GUARDRAIL_KEY": GUARDRAIL_KEY, "LETHE_AGENTS_SECONDS": "120"}
    with serving(tmp_path_factory.mktemp("demo"), "--model", str(demo_model), **environment) as running:
        yield running


@pytest.fixture(scope="session")
def interrupted(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """A replay by transformers in float32, killed and interrupted on its way and then run to its end."""
    return Replay(shared, tmp_path_factory.mktemp("by-reference"), "reference").interrupted()


@pytest.fixture(scope="session")
def by_reference(interrupted: Interrupted) -> Samples:
    """The samples of the replay by transformers."""
    return interrupted.samples


@pytest.fixture(scope="session")
def by_engine(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """The samples of the same replay by the engine."""
    return Replay(shared, tmp_path_factory.mktemp("by-engine"), "engine").run()


class remote_engine:  # noqa: N801
    """A stock vLLM server process with our processor loaded by flag, as docs/remote.md tells an operator."""

    def __init__(self, model: Path, folder: Path, *flags: str, guarded: bool = True) -> None:
        self.port = free_port()
        policy = folder / "data" / "policy"
        policy.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "vllm.entrypoints.launchers.api_server.entry", "--model", str(model)]
        command += ["--served-model-name", model.name, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
        command += ["--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]
        if guarded:
            command += ["--logprobs-mode", "processed_logprobs"]
            command += ["--logits-processors", "guard.vllm_v1:RestrictionProcessor"]
        environment = os.environ | {
            "LETHE_POLICY_DIR": str(policy),
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_NO_USAGE_STATS": "1",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.log = folder / "engine.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *flags], stdout=output, stderr=subprocess.STDOUT, env=environment
            )

    def __enter__(self) -> str:
        url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + ENGINE_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                    return url
            except httpx.HTTPError:
                time.sleep(0.3)
        self.__exit__()
        raise AssertionError(f"the remote engine did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
