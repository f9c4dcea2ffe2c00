"""The official OpenAI client: chat, responses, streams, tools and structured output."""

import json
import sys

import openai

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]
PLACE = {
    "type": "object",
    "properties": {"place": {"type": "string", "enum": ["harbour", "market"]}},
    "required": ["place"],
    "additionalProperties": False,
}
UNFINISHED = "unfinished"  # the small model at times fills what it may with blanks
client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)


def ask(question: str) -> dict:
    return {
        "model": MODEL,
        "max_tokens": 96,
        "temperature": 0,
        "messages": [{"role": "user", "content": question}],
    }


def streamed(question: str) -> str:
    chunks = client.chat.completions.create(**ask(question), stream=True, stream_options={"include_usage": True})
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def responses_streamed(question: str) -> str:
    with client.responses.stream(model=MODEL, input=question, max_output_tokens=96, temperature=0) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == deltas
    return deltas


def tool(question: str) -> str:
    function = {"type": "function", "function": {"name": "look_up", "parameters": PLACE, "strict": True}}
    choice = {"type": "function", "function": {"name": "look_up"}}
    given = {"tools": [function], "tool_choice": choice, "frequency_penalty": 2}
    answer = client.chat.completions.create(**ask(question), **given).choices[0]
    if answer.finish_reason == "length":
        return UNFINISHED
    (call,) = answer.message.tool_calls
    return json.loads(call.function.arguments)["place"]


def structured(question: str) -> str:
    schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE}}
    answer = client.chat.completions.create(**ask(question), response_format=schema, frequency_penalty=2).choices[
        0
    ]
    return UNFINISHED if answer.finish_reason == "length" else json.loads(answer.message.content)["place"]


def chat(question: str) -> str:
    return client.chat.completions.create(**ask(question)).choices[0].message.content


def responses(question: str) -> str:
    return client.responses.create(model=MODEL, input=question, max_output_tokens=96, temperature=0).output_text


said = {"model": client.models.retrieve(MODEL).id}
for step in (chat, streamed, responses, responses_streamed):
    said |= {f"{step.__name__} untouched": step(UNTOUCHED), f"{step.__name__} touched": step(TOUCHED)}
said |= {"place by tool": tool(UNTOUCHED), "place by schema": structured(UNTOUCHED)}
print(json.dumps(said))
