"""The official Anthropic client: messages, streams, tools and token counts."""

import json
import sys

import anthropic

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]
PLACE = {
    "type": "object",
    "properties": {"place": {"type": "string", "enum": ["harbour", "market"]}},
    "required": ["place"],
    "additionalProperties": False,
}
GREEDY = {"temperature": 0}
client = anthropic.Anthropic(base_url=URL, api_key="none", max_retries=0)


def turns(question: str) -> list:
    return [{"role": "user", "content": question}]


def ask(question: str) -> dict:
    return {"model": MODEL, "max_tokens": 96, "messages": turns(question), "extra_body": GREEDY}


def messages(question: str) -> str:
    return "".join(block.text for block in client.messages.create(**ask(question)).content)


def streamed(question: str) -> str:
    with client.messages.stream(**ask(question)) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().content[0].text == text
    return text


def tool(question: str) -> str:
    look_up = {"name": "look_up", "description": "Looks up.", "input_schema": PLACE, "strict": True}
    choice = {"type": "tool", "name": "look_up"}
    answer = client.messages.create(**ask(question), tools=[look_up], tool_choice=choice)
    if answer.stop_reason == "max_tokens":
        return "unfinished"
    (use,) = (block for block in answer.content if block.type == "tool_use")
    return use.input["place"]


count = client.messages.count_tokens(model=MODEL, messages=turns(UNTOUCHED)).input_tokens
assert count == client.messages.create(**ask(UNTOUCHED)).usage.input_tokens
said = {"model": client.models.list().data[0].id}
for step in (messages, streamed):
    said |= {f"{step.__name__} untouched": step(UNTOUCHED), f"{step.__name__} touched": step(TOUCHED)}
said |= {"place by tool": tool(UNTOUCHED)}
print(json.dumps(said))
