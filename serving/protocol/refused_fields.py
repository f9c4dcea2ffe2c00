"""The one table of request fields that would disarm the policy, and why each is refused.

Everything not listed here passes to the engine. Facts behind each row: the engine was seen to report or to follow
the unrestricted model through it (vLLM 0.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.errors import RequestRefused

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
# The routes whose requests generate.
ALL = (CHAT, COMPLETIONS, RESPONSES, MESSAGES)


@dataclass(frozen=True, slots=True)
class Denied:
    """One refused field: the routes it is refused on, the values that are harmless, and the reason."""

    field: str
    reason: str
    routes: tuple[str, ...] = ALL
    harmless: tuple[object, ...] = (None,)
    only_with: str = ""

    def refuses(self, route: str, body: Mapping[str, Any]) -> bool:
        """Whether `body` sets this field, on `route`, to anything but a harmless value."""
        if route not in self.routes or self.field not in body:
            return False
        if _is_one_of(body[self.field], self.harmless):
            return False
        return not self.only_with or not _is_one_of(body.get(self.only_with), OFF)


OFF = (None, False)


def _is_one_of(value: object, constants: tuple[object, ...]) -> bool:
    # By identity: 0 equals False, and asks for something.
    return any(value is constant for constant in constants)


DENIED: tuple[Denied, ...] = (
    Denied("vllm_xargs", "carries the policy, which the server alone writes"),
    Denied("use_beam_search", "beam search drops the policy from its sub-requests", harmless=OFF),
    Denied("prompt_logprobs", "reports the unrestricted model"),
    Denied("logprob_token_ids", "reports what is masked"),
    Denied("allowed_token_ids", "can leave only masked tokens"),
    Denied("echo", "with logprobs, reports the unrestricted model", (COMPLETIONS,), OFF, only_with="logprobs"),
    Denied("echo", "repeats text outside the restricted answer", (CHAT, RESPONSES, MESSAGES), OFF),
    Denied("prompt_embeds", "cannot be read by the detector"),
    Denied("mm_payload", "cannot be read by the detector"),
    Denied("chat_template", "would change what the detector read"),
    Denied("chat_template_kwargs", "would change what the detector read"),
    Denied("return_token_ids", "token ids pass the output guard", harmless=OFF),
    Denied("return_tokens_as_token_ids", "token ids pass the output guard", harmless=OFF),
    Denied("return_prompt_text", "repeats text outside the restricted answer", harmless=OFF),
    Denied("return_token_offsets", "describes text outside the restricted answer", harmless=OFF),
    Denied("return_mm_kwargs", "describes text outside the restricted answer", harmless=OFF),
    Denied("routed_experts_prompt_start", "reports internals of the unrestricted model", harmless=(None,)),
    Denied("thinking_token_budget", "forces tokens after the restriction"),
    Denied("kv_transfer_params", "moves engine state past the policy"),
    Denied("ec_transfer_params", "moves engine state past the policy"),
    Denied("logits_processors", "names code to run in the engine"),
    Denied("request_id", "names a request inside the engine; send X-Request-Id instead"),
    Denied("previous_response_id", "names an answer that was kept, and this server keeps none", (RESPONSES,)),
    Denied("conversation", "names a conversation that was kept, and this server keeps none", (RESPONSES,)),
    Denied("prompt", "names a prompt that was kept, and this server keeps none", (RESPONSES,)),
    Denied("background", "asks to keep the answer, and this server keeps none", (RESPONSES,), OFF),
    Denied("previous_input_messages", "carries turns past the detector", (RESPONSES,)),
    Denied("enable_response_messages", "repeats text outside the restricted answer", (RESPONSES,), OFF),
    Denied("container", "names what was kept elsewhere, and this server keeps nothing", (MESSAGES,)),
    Denied("mcp_servers", "would have the server call others", (MESSAGES,), harmless=(None,)),
)


def refuse_disarming(route: str, body: Mapping[str, Any]) -> None:
    """Raise RequestRefused naming the first field of `body` that would disarm the policy on `route`."""
    for row in DENIED:
        if row.refuses(route, body):
            raise RequestRefused(f"The field '{row.field}' is not served: it {row.reason}.", field=row.field)
