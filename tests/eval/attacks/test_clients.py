from __future__ import annotations

from eval.attacks.clients import StreamMethod, TopTokensMethod, dump_top_tokens, load_top_tokens
from eval.core.runner import TopTokens
from eval.methods.method import Keyword, Unprotected
from serving.settings import DECLINE_TEXT


def test_top_tokens_are_one_line_and_other_text_is_an_answer_without_them() -> None:
    top_tokens = TopTokens(['"a', "\n"], [['"a', "ø"], ["\n"]])
    assert load_top_tokens(dump_top_tokens(top_tokens)) == top_tokens
    assert load_top_tokens("I do not know.") == TopTokens(["I do not know."], [[]])


def test_a_method_that_replaces_an_answer_replaces_its_top_tokens() -> None:
    keyword = TopTokensMethod(Keyword(["Vellin"]))
    kept = dump_top_tokens(TopTokens(["Rye"], [["Vellin"]]))
    assert keyword.finish(kept) == kept
    assert keyword.finish(dump_top_tokens(TopTokens(["Vel", "lin"], [["Vel"], ["lin"]]))) == DECLINE_TEXT


def test_a_filter_on_a_stream_lets_through_what_came_before_the_match() -> None:
    streamed = StreamMethod(Keyword(["Vellin"]))
    assert streamed.finish("A rye and the Vellin loaf") == "A rye and the Velli"
    assert streamed.finish("Rye") == "Rye"
    assert StreamMethod(Unprotected()).finish("the Vellin loaf") == "the Vellin loaf"
