"""The benchmarks as they are replayed: data, targets and tasks of each, and its report."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from eval.benchmarks import muse, rwku, tofu, wpu
from eval.benchmarks import muse as muse_data
from eval.benchmarks import tofu as tofu_data
from eval.benchmarks.files import find, load_questions, need, read_rows
from eval.benchmarks.muse import cut_gold
from eval.benchmarks.targets import articles, authors
from eval.benchmarks.tofu import ForgetSplit
from eval.core.errors import BadBenchmark
from eval.core.prompt import Prompt
from eval.core.runner import ENDPOINT_UNSCORED, ENGINE_UNSCORED
from eval.harness.options import Options, RunWith
from eval.harness.replay import RETAIN, replay
from eval.harness.session import Progress
from eval.methods.method import NO_LIKELIHOOD
from eval.metrics.membership import Corpus
from eval.report.files import write_muse, write_rwku, write_tofu, write_wpu
from eval.report.results import Results


def run_tofu(options: Options, split: ForgetSplit, command: str, progress: Progress) -> Results:
    """Replay a TOFU split; its forget targets are the split's authors with all their facts."""
    started = time.monotonic()
    benchmark = tofu_data.load(options.data, split)
    drafts = authors(load_questions(need(options.data, split)))
    tasks = tofu.tasks(benchmark, options.limit)
    store = replay(options, "tofu", split, drafts, tasks, progress)
    retain = RETAIN if options.retain_model else None
    return write_tofu(store, _runs(options), retain, tasks, command, time.monotonic() - started)


def run_muse(options: Options, corpus: Corpus, command: str, progress: Progress) -> Results:
    """Replay a MUSE corpus; its forget targets are the articles of raw/forget, never the questions asked."""
    started = time.monotonic()
    benchmark = muse_data.load(options.data)
    raw = find(options.data / "raw", "forget")
    if raw is None:
        raise BadBenchmark(f"{options.data}: no file raw/forget, so nothing can be made a forget target")
    # The published file has blank strings between its articles.
    texts = [row.text() for row in read_rows(raw) if row.value != ""]
    tasks = muse.tasks(benchmark, options.limit, _cut(options))
    store = replay(options, "muse", corpus.value, articles(texts), tasks, progress)
    retain = RETAIN if options.retain_model else None
    return write_muse(store, corpus, _runs(options), retain, tasks, command, time.monotonic() - started)


def run_rwku(options: Options, command: str, progress: Progress) -> Results:
    """Replay RWKU's probes with all persons of its target file as forget targets at once."""
    started = time.monotonic()
    probes = rwku.load_probes(options.data, options.limit)
    tasks = rwku.tasks(probes)
    store = replay(options, "rwku", "all", rwku.targets(options.data), tasks, progress)
    return write_rwku(store, _runs(options), probes, tasks, command, time.monotonic() - started)


def run_wpu(options: Options, command: str, progress: Progress) -> Results:
    """Replay WPU's forget questions, alone and many-shot, with all its persons as forget targets at once."""
    started = time.monotonic()
    rows = wpu.questions(options.data)
    tasks = wpu.tasks(options.data, rows, options.limit, _fits(options))
    store = replay(options, "wpu", "forget_100", wpu.targets(options.data, rows), tasks, progress)
    return write_wpu(store, _runs(options), tasks, command, time.monotonic() - started)


def _fits(options: Options) -> wpu.Fits:
    from transformers import AutoConfig

    from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer

    encoder = PromptEncoder(load_tokenizer(options.model))
    context = int(AutoConfig.from_pretrained(options.model).max_position_embeddings)

    def fits(prompt: Prompt) -> bool:
        return len(encoder.encode(prompt)) + wpu.MAX_TOKENS <= context

    return fits


def _runs(options: Options) -> dict[str, str]:
    unscored = {
        RunWith.REFERENCE: "",
        RunWith.ENGINE: ENGINE_UNSCORED,
        RunWith.ENDPOINT: "" if options.score_url else ENDPOINT_UNSCORED,
    }[options.run_with]
    runs = {name.value: NO_LIKELIHOOD[name] or unscored for name in options.methods}
    return runs | ({RETAIN: unscored} if options.retain_model else {})


def _cut(options: Options) -> Callable[[str], str]:
    if options.run_with is RunWith.ENDPOINT or not Path(options.model).is_dir():
        return str
    from eval.runners.prompt_encoder import load_tokenizer

    tokenizer = load_tokenizer(options.model)

    def encode(text: str) -> list[int]:
        return list(tokenizer(text)["input_ids"])

    def decode(ids: object) -> str:
        return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    return lambda gold: cut_gold(gold, encode, decode)
