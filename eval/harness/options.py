"""The options of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from eval.core.errors import BadRun
from eval.core.prompt import PROMPT_DATE
from eval.core.provenance import digest_of_data, digest_of_model, versions
from eval.core.runner import ENDPOINT_UNSCORED, ENGINE_UNSCORED, Device, Dtype
from eval.methods.logit_difference_options import LogitDifferenceOptions
from eval.methods.method import NO_LIKELIHOOD, MethodName

RETAIN: Final = "retain"
"""The run of the retain model."""


class RunWith(StrEnum):
    """reference  Hugging Face on the CPU or a GPU, with the policy's rules at every position: text and likelihood
    engine     vLLM in this process, with the policy's processor: text
    endpoint   any OpenAI endpoint: text, and likelihood with a scoring plane
    """

    REFERENCE = "reference"
    ENGINE = "engine"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a replay.

    data          folder of the benchmark's files
    out           result folder
    methods       are run in this order
    model         folder or hub id of the model under test; for an endpoint the name it serves, "" for its first
    retain_model  folder or hub id of the model that never saw the forget set; "" for none
    endpoint      its base URL, without /v1
    score_url     base URL of its scoring plane; "" for none
    limit         maximum number of rows of each set; 0 for all
    seed          of sampling; decoding is greedy
    device        where the reference runs
    """

    data: Path
    out: Path
    methods: tuple[MethodName, ...]
    model: str = ""
    retain_model: str = ""
    run_with: RunWith = RunWith.REFERENCE
    endpoint: str = ""
    score_url: str = ""
    limit: int = 0
    seed: int = 0
    dtype: Dtype = "float32"
    device: Device = "cpu"
    logit_difference: LogitDifferenceOptions = field(default_factory=LogitDifferenceOptions)

    @property
    def no_likelihood(self) -> dict[str, str]:
        """Return why each run of the replay has no likelihood, in the order of the runs; "" where it has one."""
        unscored = {
            RunWith.REFERENCE: "",
            RunWith.ENGINE: ENGINE_UNSCORED,
            RunWith.ENDPOINT: "" if self.score_url else ENDPOINT_UNSCORED,
        }[self.run_with]
        runs = {name.value: NO_LIKELIHOOD[name] or unscored for name in self.methods}
        return runs | ({RETAIN: unscored} if self.retain_model else {})

    def config(self, benchmark: str, split: str, policy: str) -> dict[str, Any]:
        """Return run.json: all that a number depends on."""
        is_endpoint = self.run_with is RunWith.ENDPOINT
        return {
            "benchmark": benchmark,
            "split": split,
            "run_with": self.run_with.value,
            "model": Path(self.model).name,
            "model_digest": digest_of_model(self.model) if self.model else "",
            "retain_model": Path(self.retain_model).name if self.retain_model else "",
            "retain_model_digest": digest_of_model(self.retain_model) if self.retain_model else "",
            "data_digest": digest_of_data(self.data),
            "policy_digest": policy,
            "decoding": "greedy",
            "prompt_date": "the endpoint's own" if is_endpoint else PROMPT_DATE.date().isoformat(),
            "dtype": "the endpoint's own" if is_endpoint else self.dtype,
            "device": "the endpoint's own" if is_endpoint else self.device,
            "limit": self.limit or None,
            "seed": self.seed,
            "versions": versions(),
        } | self.logit_difference.config(self.methods)


def method_names(text: str) -> tuple[MethodName, ...]:
    """Return the methods of a comma-separated list, `none` first; raises BadRun for an unknown one."""
    known = [name.value for name in MethodName]
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise BadRun(f"unknown method {', '.join(unknown) or '(none given)'}; there are {', '.join(known)}")
    return tuple(sorted(map(MethodName, names), key=lambda name: name is not MethodName.NONE))
