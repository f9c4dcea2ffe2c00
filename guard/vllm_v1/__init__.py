"""The logits processors that run inside vLLM's workers, by the V1 runner's interface.

Load them by vLLM's flag, in the order of guard.decoding.request_args.PROCESSORS, as `--logits-processors
guard.vllm_v1:RestrictionProcessor`: a processor that is only an entry point does not get the output tokens
under asynchronous scheduling, and is skipped under speculative decoding.
"""

from guard.vllm_v1.restriction import RestrictionProcessor

__all__ = ["RestrictionProcessor"]
