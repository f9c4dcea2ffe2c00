from __future__ import annotations

from serving.protocol.dialects.tool_pictures import pictures_after_results

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT = {"type": "text", "text": "ok"}


def test_pictures_of_results_follow_them_in_a_user_turn() -> None:
    results = [{"role": "tool", "tool_call_id": call, "content": [TEXT, PICTURE]} for call in ("a", "b")]
    asked = {"role": "user", "content": "So?"}
    texts = [{**result, "content": "ok"} for result in results]
    pictures = {"role": "user", "content": [PICTURE, PICTURE]}
    assert pictures_after_results([*results, asked]) == [*texts, pictures, asked]
    assert pictures_after_results(results) == [*texts, pictures]


def test_other_turns_keep_their_pictures() -> None:
    turns = [{"role": "user", "content": [TEXT, PICTURE]}, {"role": "assistant", "content": None}]
    assert pictures_after_results(turns) == turns
    assert pictures_after_results([{"role": "user", "content": [TEXT, TEXT]}])[0]["content"] == "ok\nok"
