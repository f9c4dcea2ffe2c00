"""The table of request fields that would disable the policy, and the reason why each is refused.

Any other field passes to the engine. Each row was observed on vLLM 0.32: through the field, the engine reports or
follows the unrestricted model.
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
class RefusedField:
    """One refused field.

    routes     on which it is refused
    harmless   values that are not refused
    only_with  if set, the field is refused only together with this one
    """

    field: str
    reason: str
    routes: tuple[str, ...] = ALL
    harmless: tuple[object, ...] = (None,)
    only_with: str = ""

    def refuses(self, route: str, body: Mapping[str, Any]) -> bool:
        """Return whether `body` sets this field, on `route`, to a value that is not harmless."""
        if route not in self.routes or self.field not in body:
            return False
        if _is_one_of(body[self.field], self.harmless):
            return False
        return not self.only_with or not _is_one_of(body.get(self.only_with), OFF)


OFF = (None, False)


def _is_one_of(value: object, constants: tuple[object, ...]) -> bool:
    # Compared by identity: 0 equals False, but is not harmless.
    return any(value is constant for constant in constants)


REFUSED_FIELDS: tuple[RefusedField, ...] = (
    RefusedField("vllm_xargs", "carries the policy, which the server alone writes"),
    RefusedField("use_beam_search", "beam search drops the policy from its sub-requests", harmless=OFF),
    RefusedField("prompt_logprobs", "reports the unrestricted model"),
    RefusedField("logprob_token_ids", "reports what is masked"),
    RefusedField("allowed_token_ids", "can leave only masked tokens"),
    RefusedField(
        "echo", "with logprobs, reports the unrestricted model", (COMPLETIONS,), OFF, only_with="logprobs"
    ),
    RefusedField("echo", "repeats text outside the restricted answer", (CHAT, RESPONSES, MESSAGES), OFF),
    RefusedField("prompt_embeds", "cannot be read by the detector"),
    RefusedField("mm_payload", "cannot be read by the detector"),
    RefusedField("chat_template", "would change what the detector read"),
    RefusedField("return_token_ids", "token ids pass the output guard", harmless=OFF),
    RefusedField("return_tokens_as_token_ids", "token ids pass the output guard", harmless=OFF),
    RefusedField("return_prompt_text", "repeats text outside the restricted answer", harmless=OFF),
    RefusedField("return_token_offsets", "describes text outside the restricted answer", harmless=OFF),
    RefusedField("return_mm_kwargs", "describes text outside the restricted answer", harmless=OFF),
    RefusedField("routed_experts_prompt_start", "reports internals of the unrestricted model", harmless=(None,)),
    RefusedField("thinking_token_budget", "forces tokens after the restriction"),
    RefusedField("kv_transfer_params", "moves engine state past the policy"),
    RefusedField("ec_transfer_params", "moves engine state past the policy"),
    RefusedField("logits_processors", "names code to run in the engine"),
    RefusedField("request_id", "names a request inside the engine; send X-Request-Id instead"),
    RefusedField(
        "previous_response_id", "names an answer that was kept, and this server keeps none", (RESPONSES,)
    ),
    RefusedField("conversation", "names a conversation that was kept, and this server keeps none", (RESPONSES,)),
    RefusedField("prompt", "names a prompt that was kept, and this server keeps none", (RESPONSES,)),
    RefusedField("background", "asks to keep the answer, and this server keeps none", (RESPONSES,), OFF),
    RefusedField("previous_input_messages", "carries turns past the detector", (RESPONSES,)),
    RefusedField("enable_response_messages", "repeats text outside the restricted answer", (RESPONSES,), OFF),
    RefusedField("container", "names what was kept elsewhere, and this server keeps nothing", (MESSAGES,)),
    RefusedField("mcp_servers", "would have the server call others", (MESSAGES,), harmless=(None,)),
)


def refuse_fields(route: str, body: Mapping[str, Any]) -> None:
    """Raise RequestRefused naming the first refused field of `body` on `route`."""
    for row in REFUSED_FIELDS:
        if row.refuses(route, body):
            raise RequestRefused(f"The field '{row.field}' is not served: it {row.reason}.", field=row.field)
