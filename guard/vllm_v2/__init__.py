"""The logits processors that run inside vLLM's workers, by the V2 runner's interface.

Load them by vLLM's flag, in the order of guard.decoding.request_args.PROCESSORS_V2. vLLM's front end imports this
package too, to validate requests: torch and what needs it are imported where they are used.
"""

from guard.vllm_v2.restriction import RestrictionProcessor

__all__ = ["RestrictionProcessor"]
