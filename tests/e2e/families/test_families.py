"""Every family of tokenizers on the real engine: it starts, and what is forbidden never leaves."""

from __future__ import annotations

import gc
import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from guard.decoding.vocabulary import Vocabulary
from guard.text.normalise import fold
from tests.e2e.families.family import FAMILIES, is_installed, make_model
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.e2e

# Names that nobody has, in twelve scripts.
PHRASES = {
    "Latin": "Orla Quennbeck-Strand",
    "Cyrillic": "Зоряна Квиткевич",
    "Greek": "Ευρύκλεια Μαυρογέλη",
    "Arabic": "زهراء القمرانية",
    "Hebrew": "שולמית כוכבילב",
    "Devanagari": "वसुन्धरा चन्द्रप्रकाश",
    "Thai": "พิมพ์ชนกจันทร์กระจ่าง",
    "Chinese": "欧阳静梧桐路",
    "Japanese": "佐倉ミヤビのランタン",
    "Korean": "남궁하늘빛등대",
    "Armenian": "Զարուհի Լուսաբացյան",
    "Georgian": "მზექალა ვარსკვლავიძე",
}
SAMPLES = 3


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    family = FAMILIES[request.param]
    if not is_installed(family):
        pytest.skip("its tokenizer is not installed: make families")
    return make_model(family, tmp_path_factory.mktemp(request.param) / request.param)


@pytest.fixture(scope="module")
def served(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has passed its self-test with a canary, or it would not be ready."""
    with serving(tmp_path_factory.mktemp("data"), "--model", str(model)) as running:
        yield running


def say(server: Server, phrase: str, **more: Any) -> list[str]:
    """Have the engine's grammar force the phrase, in whatever tokens the random model draws."""
    answer = server.openai.chat.completions.create(
        model=server.model,
        messages=[{"role": "user", "content": "Who is it?"}],
        max_tokens=96,
        n=SAMPLES,
        temperature=1.0,
        extra_body={"structured_outputs": {"regex": re.escape(f"It is {phrase}").replace("\\ ", " ")}, **more},
    )
    return [choice.message.content or "" for choice in answer.choices]


def resident_mib() -> float:
    """Return the memory of this process; Linux only."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def say_all(server: Server) -> dict[str, list[str]]:
    with ThreadPoolExecutor(len(PHRASES)) as pool:
        return dict(zip(PHRASES, pool.map(lambda phrase: say(server, phrase), PHRASES.values()), strict=True))


def test_forced_phrases_in_twelve_scripts_never_leave(served: Server) -> None:
    before = say_all(served)
    assert {script for script, texts in before.items() if any(PHRASES[script] in text for text in texts)} == {
        *PHRASES
    }
    target = served.forget({"name": "Twelve", "kind": "fact", "phrases": [*PHRASES.values()], "scope": "always"})
    try:
        after = say_all(served)
        leaked = {s for s, texts in after.items() if any(fold(PHRASES[s]) in fold(text) for text in texts)}
        assert leaked == set()
    finally:
        served.remember(target["id"])


def test_every_token_that_ends_an_answer_may_come_in_restricted_rows(model: Path, served: Server) -> None:
    target = served.forget({"name": "One", "kind": "fact", "phrases": ["Orla Quennbeck"], "scope": "always"})
    try:
        for end in json.loads((model / "ends.json").read_text()):
            answer = served.openai.completions.create(
                model=served.model, prompt="It is", max_tokens=8, temperature=0, logit_bias={str(end): 100}
            )
            assert (answer.choices[0].finish_reason, answer.choices[0].text) == ("stop", "")
    finally:
        served.remember(target["id"])


def test_reasoning_and_tool_marks_are_said_and_change_nothing(served: Server) -> None:
    target = served.forget({"name": "One", "kind": "fact", "phrases": ["Orla Quennbeck"], "scope": "always"})
    try:
        for text in ("<think>it is late</think> good night", '<tool_call>{"name": "lamp"}</tool_call>'):
            answer = served.openai.completions.create(
                model=served.model,
                prompt="It is",
                max_tokens=64,
                temperature=1.0,
                extra_body={"structured_outputs": {"regex": re.escape(text).replace("\\ ", " ")}},
            )
            assert answer.choices[0].text == text
    finally:
        served.remember(target["id"])


def test_its_vocabulary_is_read(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    began, before = time.process_time(), resident_mib()
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    vocabulary.bordered  # noqa: B018
    seconds, mib = time.process_time() - began, resident_mib() - before
    with capsys.disabled():
        print(f"\n| {model.name} | {len(tokenizer):,} | {seconds:.1f} | {mib:.0f} |")
    assert tokenizer.eos_token_id in vocabulary.eos
