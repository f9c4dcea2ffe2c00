"""What a user asked an evaluation to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from eval.core.errors import BadRun
from eval.core.provenance import digest_of_data, digest_of_model, versions
from eval.core.runner import Dtype
from eval.methods.logit_difference_options import LogitDifferenceOptions
from eval.methods.method import MethodName


class RunWith(StrEnum):
    """reference  Hugging Face on the CPU, with the policy's pure pieces at every position: text and likelihood
    engine     vLLM in this process, with the policy's processor: text
    endpoint   any OpenAI endpoint: text, and likelihood where it has a scoring plane
    """

    REFERENCE = "reference"
    ENGINE = "engine"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One replay.

    model     the target's folder or hub id; for an endpoint the name it is served under, "" for its first
    endpoint  its base URL, without /v1
    score_url base URL of its scoring plane, "" without one
    limit     how many rows of each set; None for all
    seed      of everything that is drawn; decoding is greedy
    """

    model: str
    retain_model: str | None
    data: Path
    out: Path
    methods: tuple[MethodName, ...]
    run_with: RunWith = RunWith.REFERENCE
    endpoint: str = ""
    score_url: str = ""
    limit: int | None = None
    seed: int = 0
    dtype: Dtype = "float32"
    logit_difference: LogitDifferenceOptions = field(default_factory=LogitDifferenceOptions)

    def config(self, benchmark: str, split: str, policy: str) -> dict[str, Any]:
        """All that a number depends on; a folder with samples of another configuration is not added to."""
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
            "dtype": self.dtype if self.run_with is not RunWith.ENDPOINT else "the endpoint's own",
            "limit": self.limit,
            "seed": self.seed,
            "versions": versions(),
        } | self.logit_difference.config(self.methods)


def method_names(text: str) -> tuple[MethodName, ...]:
    """The methods of a comma-separated list, `none` first where it is there; raises BadRun for an unknown one."""
    known = [name.value for name in MethodName]
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise BadRun(f"unknown method {', '.join(unknown) or '(none given)'}; there are {', '.join(known)}")
    return tuple(sorted(map(MethodName, names), key=lambda name: name is not MethodName.NONE))
