from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from eval.core.prompt import PROMPT_DATE, Prompt
from eval.harness.options import Options, RunWith
from eval.methods.method import MethodName
from eval.runners.prompt_encoder import PromptEncoder

TEMPLATES = {
    "today": "{{ strftime_now('%d %b %Y') }} {{ messages[0]['content'] }}",
    "unless given": (
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }} {{ messages[0]['content'] }}"
    ),
    "if it can": (
        "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }} {% endif %}{{ messages[0]['content'] }}"
    ),
}


def encoder(template: str) -> PromptEncoder:
    words = ["[UNK]", *PROMPT_DATE.strftime("%d %b %Y").split(), "Who?"]
    model = models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    fast.chat_template = template
    return PromptEncoder(fast)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_that_prints_todays_date_prints_the_same_on_every_day(template: str) -> None:
    assert encoder(TEMPLATES[template]).encode(Prompt("Who?")) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("run_with", "date"), [(RunWith.REFERENCE, "2025-04-10"), (RunWith.ENDPOINT, "the endpoint's own")]
)
def test_the_date_is_part_of_what_a_number_depends_on(tmp_path: Path, run_with: RunWith, date: str) -> None:
    options = Options(data=tmp_path, out=tmp_path, methods=(MethodName.NONE,), run_with=run_with)
    assert options.config("tofu", "forget10", "policy")["prompt_date"] == date
