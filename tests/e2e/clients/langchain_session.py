"""LangChain's ChatOpenAI: calls, streams, tools and structured output."""

import json
import sys
from typing import Literal

import openai
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]


class Place(BaseModel):
    """A place."""

    place: Literal["harbour", "market"]


chat = ChatOpenAI(base_url=f"{URL}/v1", api_key="none", model=MODEL, temperature=0, max_tokens=96, max_retries=0)
responses = chat.model_copy(update={"use_responses_api": True})
said = {}
for name, question in (("untouched", UNTOUCHED), ("touched", TOUCHED)):
    said[f"invoke {name}"] = chat.invoke([("system", "Be brief."), ("user", question)]).text
    said[f"stream {name}"] = "".join(chunk.text for chunk in chat.stream(question))
    said[f"responses {name}"] = responses.invoke(question).text
tools = chat.bind_tools([Place], tool_choice="Place", strict=True)
called = tools.invoke(UNTOUCHED, frequency_penalty=2)
finished = called.response_metadata["finish_reason"] != "length"
said["place by tool"] = called.tool_calls[0]["args"]["place"] if finished else "unfinished"
try:
    chosen = chat.with_structured_output(Place, method="json_schema").invoke(UNTOUCHED, frequency_penalty=2)
    said["place by schema"] = chosen.place
except openai.LengthFinishReasonError:
    said["place by schema"] = "unfinished"
print(json.dumps(said))
