from __future__ import annotations

import subprocess
import sys

from serving.bench.step import Step, Words, markdown

ALONE = """
import sys
for name in ("vllm", "typer", "httpx", "rich", "faiss", "sentence_transformers"):
    sys.modules[name] = None
from serving.bench.step import run
for one in run("cpu", 8, 20, [2_000], [0, 50]):
    print(one.vocabulary, one.phrases, len(one.microseconds), one.microseconds == sorted(one.microseconds))
"""


def test_it_runs_with_the_core_alone_where_vllm_is_not_installed() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["2000 0 20 True", "2000 50 20 True"]


def test_the_vocabulary_has_as_many_tokens_as_asked_for_and_reads_every_invented_text() -> None:
    words = Words.invent(3_000)
    assert len(words.vocabulary) == 3_000
    tokens = words.tokenise(" Bakeli Nevlam")
    assert b"".join(words.vocabulary.tokens[token] for token in tokens) == b" Bakeli Nevlam"
    assert len(tokens) < 8


def test_a_line_has_the_median_and_the_slowest_but_one_in_a_hundred() -> None:
    *_, line = markdown([Step(128_000, 100, [float(n) for n in range(1, 201)], 12.34)])
    assert line == "| 128,000 | 100 | 100 | 198 | 12.3 |"
