"""LlamaIndex's OpenAILike: chat, streams and completion."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

URL, MODEL, UNTOUCHED, TOUCHED = sys.argv[1:]
model = OpenAILike(
    model=MODEL,
    api_base=f"{URL}/v1",
    api_key="none",
    is_chat_model=True,
    is_function_calling_model=True,
    context_window=1024,
    max_tokens=96,
    temperature=0,
    max_retries=0,
)
said = {}
for name, question in (("untouched", UNTOUCHED), ("touched", TOUCHED)):
    turns = [ChatMessage(role="user", content=question)]
    said[f"chat {name}"] = model.chat(turns).message.content
    said[f"stream {name}"] = "".join(chunk.delta or "" for chunk in model.stream_chat(turns))
    said[f"complete {name}"] = model.complete(question).text
print(json.dumps(said))
