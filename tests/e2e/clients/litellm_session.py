"""LiteLLM: completions and streams by three of its providers, tools and structured output."""

import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]
PLACE = {
    "type": "object",
    "properties": {"place": {"type": "string", "enum": ["harbour", "market"]}},
    "required": ["place"],
    "additionalProperties": False,
}
litellm.telemetry = False


def ask(provider: str, question: str, **members: object) -> object:
    base = URL if provider == "anthropic" else f"{URL}/v1"
    turns = [{"role": "user", "content": question}]
    given = {"api_base": base, "api_key": "none", "max_tokens": 96, "temperature": 0, "num_retries": 0}
    return litellm.completion(model=f"{provider}/{MODEL}", messages=turns, **given, **members)


said = {}
for provider in ("openai", "hosted_vllm", "anthropic"):
    for name, question in (("untouched", UNTOUCHED), ("touched", TOUCHED)):
        said[f"{provider} {name}"] = ask(provider, question).choices[0].message.content
        stream = ask(provider, question, stream=True)
        said[f"{provider} stream {name}"] = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
function = {"type": "function", "function": {"name": "look_up", "parameters": PLACE, "strict": True}}
choice = {"type": "function", "function": {"name": "look_up"}}
answer = ask("hosted_vllm", UNTOUCHED, tools=[function], tool_choice=choice, frequency_penalty=2).choices[0]
finished = answer.finish_reason != "length"
said["place by tool"] = (
    json.loads(answer.message.tool_calls[0].function.arguments)["place"] if finished else "unfinished"
)
schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE}}
answer = ask("hosted_vllm", UNTOUCHED, response_format=schema, frequency_penalty=2).choices[0]
finished = answer.finish_reason != "length"
said["place by schema"] = json.loads(answer.message.content)["place"] if finished else "unfinished"
print(json.dumps(said))
