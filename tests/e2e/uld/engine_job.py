"""Run a job of requests in an engine of this process: `python -m tests.e2e.uld.engine_job JOB.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vllm import LLM, SamplingParams

from guard.decoding.request_args import DIFFERENCE_PROCESSOR


def main(path: Path) -> None:
    job = json.loads(path.read_text())
    options = job["options"]
    settings = {
        "max_model_len": 256,
        "max_num_seqs": 6,
        "max_num_batched_tokens": 64,
        "block_size": 32,
        "dtype": "float32",
        "enforce_eager": True,
        "logprobs_mode": "processed_logprobs",
        "disable_log_stats": False,
        "logits_processors": [DIFFERENCE_PROCESSOR],
    }
    engine = LLM(model=job["model"], **settings | options)
    requests = job["requests"]
    params = [
        SamplingParams(
            temperature=0.0 if request["greedy"] else 1.0,
            n=request["n"],
            max_tokens=request["max_tokens"],
            ignore_eos=request["ignore_eos"],
            logprobs=3,
            extra_args=request["extra_args"],
        )
        for request in requests
    ]
    outputs = engine.generate([request["prompt"] for request in requests], params, use_tqdm=False)
    preempted = sum(m.value for m in engine.get_metrics() if m.name == "vllm:num_preemptions")
    answers = [
        _answer(request, output, one, preempted)
        for request, output in zip(requests, outputs, strict=True)
        for one in output.outputs
    ]
    (path.parent / "answers.json").write_text(json.dumps(answers))


def _answer(request: dict[str, Any], output: Any, one: Any, preempted: float) -> dict[str, Any]:
    shown = [
        {str(token): value.logprob for token, value in position.items() if value.logprob > -1e30}
        for position in one.logprobs
    ]
    return {
        "prompt": list(output.prompt_token_ids),
        "output": list(one.token_ids),
        "logprobs": shown,
        "extra_args": request["extra_args"],
        "greedy": request["greedy"],
        "preemptions": preempted,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
