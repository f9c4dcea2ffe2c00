"""The same requests by transformers' `generate`, which knows nothing of slots, drafts, preemption or schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import GenerationMixin, LogitsProcessorList, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from guard.decoding.huggingface import RestrictionProcessor
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from tests.guard.vllm_v2.replay import Request


class Generated(NamedTuple):
    """An answer, and the masked logits [width] that each of its tokens was chosen from."""

    tokens: list[int]
    rows: list[torch.Tensor]


class _Models(PreTrainedModel, GenerationMixin):
    """A model for transformers whose rows are the models of these requests."""

    config_class = PreTrainedConfig

    def __init__(self, requests: Sequence[Request], padding: Sequence[int]) -> None:
        super().__init__(PreTrainedConfig())
        self.models = [(one.model, width) for one, width in zip(requests, padding, strict=True)]
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids: torch.Tensor, **_: Any) -> CausalLMOutput:
        rows = zip(self.models, input_ids.tolist(), strict=True)
        return CausalLMOutput(logits=torch.stack([model(ids[width:]) for (model, width), ids in rows])[:, None])


def generated(
    requests: Sequence[Request], automata: Sequence[Sequence[Automaton]], vocabulary: Vocabulary, padding: int
) -> list[Generated]:
    """Return greedy answers as long as those of `requests`, each under its automata, all in one batch."""
    width, length = max(len(one.prompt) for one in requests), max(len(one.output) for one in requests)
    short = [width - len(one.prompt) for one in requests]
    answers = _Models(requests, short).generate(
        torch.tensor([[padding] * less + one.prompt for one, less in zip(requests, short, strict=True)]),
        attention_mask=torch.tensor([[0] * less + [1] * (width - less) for less in short]),
        logits_processor=LogitsProcessorList([RestrictionProcessor(vocabulary, automata, width)]),
        max_new_tokens=length,
        use_cache=False,
        do_sample=False,
        pad_token_id=padding,
        return_dict_in_generate=True,
        output_scores=True,
    )
    lengths = [len(one.output) for one in requests]
    tokens = answers.sequences[:, width:].tolist()
    return [
        Generated(tokens[number][:length], [scores[number] for scores in answers.scores[:length]])
        for number, length in enumerate(lengths)
    ]
