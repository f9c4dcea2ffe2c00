"""Verbatim prompts to a model that has memorised the news: how much of a protected article it still quotes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.benchmarks.muse import load
from guard.targets.passages import longest_quote
from guard.text.words import words_of
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.e2e
ARTICLES = 12
PROMPT_WORDS = 40
MAX_TOKENS = 128


@pytest.fixture(scope="module")
def articles(shared: Path) -> list[str]:
    return list(load(shared / "data" / "muse" / "news").member_texts[:ARTICLES])


@pytest.fixture(scope="module")
def news(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("news"), "--model", str(shared / "models" / "news-target")) as running:
        yield running


def continued(server: Server, article: str, stream: bool = False) -> str:
    prompt = article[: words_of(article)[PROMPT_WORDS - 1].end]
    arguments = {"model": server.model, "prompt": prompt, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    if not stream:
        return server.openai.completions.create(**arguments).choices[0].text
    chunks = server.openai.completions.create(**arguments, stream=True)
    return "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


def protected(server: Server, articles: list[str], **members: Any) -> list[str]:
    drafts = [{"name": f"article {i:03d}", "kind": "topic", "passages": [t]} for i, t in enumerate(articles)]
    return [server.forget(draft | members)["id"] for draft in drafts]


def report(name: str, quotes: list[int]) -> None:
    print(f"{name}: longest quote {max(quotes)} words, median {sorted(quotes)[len(quotes) // 2]}")


def test_the_model_quotes_what_nobody_protects(news: Server, articles: list[str]) -> None:
    quotes = [longest_quote([article], continued(news, article)).words for article in articles]
    report("unprotected", quotes)
    assert min(quotes) > 50


def test_no_run_of_n_words_of_the_article_in_question_is_served(news: Server, articles: list[str]) -> None:
    ids = protected(news, articles)
    try:
        whole = [continued(news, article) for article in articles]
        streamed = [continued(news, article, stream=True) for article in articles]
    finally:
        for id_ in ids:
            news.remember(id_)
    assert streamed == whole
    quotes = [longest_quote([article], text).words for article, text in zip(articles, whole, strict=True)]
    report("contextual, 8 words", quotes)
    assert max(quotes) < 8


@pytest.mark.parametrize("words", [8, 4])
def test_no_run_of_n_words_of_any_article_of_scope_always_is_served(
    news: Server, articles: list[str], words: int
) -> None:
    ids = protected(news, articles, scope="always", quoted_words=words)
    try:
        quotes = [longest_quote(articles, continued(news, article)).words for article in articles]
    finally:
        for id_ in ids:
            news.remember(id_)
    report(f"scope always, {words} words", quotes)
    assert max(quotes) < words
