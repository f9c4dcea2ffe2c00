"""Instructor: models of pydantic by tools, by JSON schema and in a stream."""

import json
import sys
from typing import Literal

import instructor
import openai
from instructor.core.exceptions import IncompleteOutputException
from pydantic import BaseModel

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]


class Place(BaseModel):
    """A place."""

    place: Literal["harbour", "market"]


def ask(mode: instructor.Mode, question: str) -> str:
    client = instructor.from_openai(openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0), mode=mode)
    turns = [{"role": "user", "content": question}]
    given = {"model": MODEL, "messages": turns, "max_tokens": 96, "temperature": 0, "max_retries": 0}
    try:
        return client.chat.completions.create(response_model=Place, frequency_penalty=2, **given).place
    except IncompleteOutputException:
        return "unfinished"


said = {}
for name, question in (("untouched", UNTOUCHED), ("touched", TOUCHED)):
    said[f"place by tool, {name}"] = ask(instructor.Mode.TOOLS_STRICT, question)
    said[f"place by schema, {name}"] = ask(instructor.Mode.JSON_SCHEMA, question)
print(json.dumps(said))
