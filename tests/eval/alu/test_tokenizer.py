from __future__ import annotations

from random import Random

from transformers import PreTrainedTokenizerFast

from agents.ledger import Role
from eval.alu.dialogues import draw_dialogue
from eval.alu.tokenizer import encode_dialogue


def test_a_prompt_is_one_token_and_every_text_is_restored(tokenizer: PreTrainedTokenizerFast) -> None:
    dialogue = draw_dialogue(Role.CHECK, Random(1))
    ids = encode_dialogue(tokenizer, dialogue).ids
    prompt = tokenizer.decode([ids[2]])
    assert prompt.startswith(dialogue.messages[0].text)
    assert prompt.count("<|assistant|>") == sum(m.role == "assistant" for m in dialogue.messages)
    text = 'Ægir: "\\u0022", {1}'
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert len(tokenizer.encode("The")) > 1


def test_only_the_reply_has_a_weight(tokenizer: PreTrainedTokenizerFast) -> None:
    dialogue = draw_dialogue(Role.CRITIC, Random(1))
    encoded = encode_dialogue(tokenizer, dialogue)
    predicted = [token for token, weight in zip(encoded.ids, encoded.weights, strict=True) if weight]
    assert tokenizer.decode(predicted) == dialogue.reply + "<|end|>"
