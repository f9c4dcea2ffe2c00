from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from guard.decoding.request_args import PROCESSORS
from guard.errors import BadSettings, ModelUnavailable
from serving.engine import embedded
from serving.engine.embedded import FIXED_FLAGS, abort_token_of, check_model, extra_flags, flags, parse_flags
from serving.settings import Settings


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "quill-7b"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "max_position_embeddings": 6000}))
    return str(folder)


def value(command_line: list[str], flag: str) -> str:
    return command_line[command_line.index(flag) + 1]


def test_what_the_policy_depends_on_is_always_set(model: str) -> None:
    line = flags(Settings(model=model), model, cpu=True)
    first = line.index("--logits-processors") + 1
    assert line[first : first + 3] == list(PROCESSORS)
    assert value(line, "--logprobs-mode") == "processed_logprobs"
    assert value(line, "--served-model-name") == "quill-7b"
    assert "--disable-fastapi-docs" in line


@pytest.mark.parametrize(("named", "served"), [("", "smollm2"), ("smollm2", "smollm2"), ("toy", "toy")])
def test_the_models_that_have_a_name_are_served_by_it(model: str, named: str, served: str) -> None:
    assert value(flags(Settings(model=named), model, cpu=True), "--served-model-name") == served


def test_a_gguf_file_is_served_by_its_own_name(model: str, tmp_path: Path) -> None:
    source = tmp_path / "quill-2.5-7b.Q8_0.gguf"
    source.touch()
    line = flags(Settings(model=str(source)), model, cpu=True)
    assert value(line, "--served-model-name") == "quill-2.5-7b.Q8_0"
    assert value(line, "--model") == model


def test_on_cpu_a_prefill_is_never_chunked(model: str) -> None:
    line = flags(Settings(), model, cpu=True)
    assert "--no-enable-chunked-prefill" in line
    assert value(line, "--max-num-batched-tokens") == "6000"
    assert "--no-enable-chunked-prefill" not in flags(Settings(), model, cpu=False)


def test_on_cpu_blocks_of_the_prefix_cache_are_small_unless_the_operator_sets_them(model: str) -> None:
    """Backtracking reads less than a block again."""
    assert value(flags(Settings(), model, cpu=True), "--block-size") == "32"
    assert flags(Settings(engine_args="--block-size 64"), model, cpu=True)[-2:] == ["--block-size", "64"]
    assert "--block-size" not in flags(Settings(), model, cpu=False)


@pytest.mark.parametrize("flag", FIXED_FLAGS)
@pytest.mark.parametrize("form", ["{} x", "{}=x"])
def test_no_flag_of_the_operator_touches_the_policy(flag: str, form: str) -> None:
    with pytest.raises(BadSettings, match=flag):
        extra_flags(Settings(engine_args=form.format(flag)))


@pytest.mark.parametrize("flag", ["--logprobs_mode=raw_logprobs", "--logits-proc x", "--worker-ext x"])
def test_neither_underscores_nor_abbreviations_hide_a_flag(flag: str) -> None:
    with pytest.raises(BadSettings):
        extra_flags(Settings(engine_args=flag))


def test_other_flags_pass_and_come_last(model: str) -> None:
    settings = Settings(engine_args="--max-num-seqs 4 --tool-call-parser llama3_json")
    line = flags(settings, model, cpu=True)
    assert line[-4:] == ["--max-num-seqs", "4", "--tool-call-parser", "llama3_json"]


@pytest.mark.parametrize("name", ["/nowhere/model", "./nowhere", "word", "a/b/c", ""])
def test_what_is_neither_a_folder_nor_a_hub_id_is_no_model(name: str) -> None:
    with pytest.raises(ModelUnavailable):
        check_model(name)


def test_a_folder_without_a_config_is_no_model(tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelUnavailable):
        check_model(str(tmp_path))
    check_model(model)


def test_a_hub_id_without_a_hub_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="local folder"):
        check_model("owner/name")


def client(
    special: list[int], end: int, listed: object = None, parser: str = "", fast: bool = True
) -> SimpleNamespace:
    """A running engine, as far as it is asked how a row may give itself up."""
    return SimpleNamespace(
        get_tokenizer=lambda: SimpleNamespace(
            all_special_ids=special, eos_token_id=end, is_fast=fast, decode=lambda ids, **how: f"{ids} {how}"
        ),
        model_config=SimpleNamespace(try_get_generation_config=lambda: {"eos_token_id": listed}),
        vllm_config=SimpleNamespace(structured_outputs_config=SimpleNamespace(reasoning_parser=parser)),
    )


@pytest.mark.parametrize(
    ("engine", "token"),
    [
        (client([2, 0, 5], 0), 2),
        (client([2, 0, 5], 0, [2, 7]), 5),
        (client([2, 0], 0, 2), None),
        (client([0], 0), None),
        (client([2, 0, 5], 0, parser="deepseek_r1"), None),
        (client([2, 0, 5], 0, fast=False), None),
    ],
)
def test_a_row_gives_itself_up_by_a_special_token_that_ends_no_answer(
    engine: SimpleNamespace, token: int | None
) -> None:
    abort_token = abort_token_of(engine)
    assert (abort_token.token if abort_token else None) == token


def test_ids_read_as_the_engine_reads_them() -> None:
    abort_token = abort_token_of(client([2, 0], 0))
    assert abort_token is not None
    assert abort_token.decode([4]) == "[4] {'skip_special_tokens': True, 'clean_up_tokenization_spaces': False}"


@pytest.mark.anyio
async def test_an_engine_that_comes_up_after_it_was_given_up_is_shut_down_before_the_next_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    began, released = threading.Event(), threading.Event()

    def start(line: list[str], runner: str) -> tuple[SimpleNamespace, None]:
        began.set()
        done.append("started")
        released.wait(5)
        return SimpleNamespace(shutdown=lambda: done.append("shut down")), None

    async def no_application(client: object, args: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(embedded, "on_cpu", lambda: False)
    monkeypatch.setattr(embedded, "prepare_environment", lambda settings, cpu: None)
    monkeypatch.setattr(embedded, "_start", start)
    monkeypatch.setattr(embedded, "_application", no_application)
    settings = Settings(data_dir=tmp_path)

    async def opened() -> None:
        async with embedded.open_embedded(settings, "model"):
            raise AssertionError

    first = asyncio.create_task(opened())
    await asyncio.to_thread(began.wait, 5)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    second = asyncio.create_task(opened())
    await asyncio.sleep(0)
    assert done == ["started"]
    released.set()
    with pytest.raises(NotImplementedError):
        await second
    assert done == ["started", "shut down"] * 2


def test_vllm_waits_for_its_processes_as_long_as_the_engine_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    embedded.prepare_environment(Settings(data_dir=tmp_path, start_timeout=1800.5), cpu=False)
    assert os.environ["VLLM_ENGINE_READY_TIMEOUT_S"] == "1801"


@pytest.mark.parametrize("given", [["--max-len=many"], ["--max-len"], ["--other", "x"]])
def test_a_flag_that_vllm_does_not_take_is_named_without_its_usage(
    capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-len", type=int)
    assert parse_flags(parser, ["--max-len", "5"]).max_len == 5
    with pytest.raises(BadSettings, match=f"engine_args: .*{given[0].split('=')[0]}") as refused:
        parse_flags(parser, given)
    assert "many" not in refused.value.message
    assert capsys.readouterr().err == ""


def fail_to_start() -> None:
    with embedded._loading():
        assert not gc.isenabled()
        raise OSError("no engine")


def test_garbage_is_collected_again_after_a_start_that_failed() -> None:
    frozen = gc.get_freeze_count()
    with pytest.raises(OSError, match="no engine"):
        fail_to_start()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()
