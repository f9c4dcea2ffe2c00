from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from guard.detection.micro_batching import MAX_BATCH_CHARS, MicroBatcher


class Encoder:
    """Encodes a text as its length; waits at a gate while it is closed."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.running = self.most = 0

    def __call__(self, texts: list[str]) -> Any:
        self.batches.append(texts)
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.set()
        assert self.gate.wait(20)
        self.running -= 1
        if "bad" in texts:
            raise ValueError("cannot be encoded")
        return np.array([[len(text)] for text in texts], np.float32)


@pytest.fixture
def encoder() -> Encoder:
    return Encoder()


def encode_concurrently(encoder: Encoder, batcher: MicroBatcher, texts: list[str]) -> list[Any]:
    """Return the futures of one call per text; all but the first are queued while the first is encoded."""
    encoder.gate.clear()
    with ThreadPoolExecutor(len(texts)) as pool:
        first = pool.submit(batcher.encode, texts[:1])
        assert encoder.begun.wait(20)
        rest = [pool.submit(batcher.encode, [text]) for text in texts[1:]]
        while len(batcher._waiting) < len(rest):
            pass
        encoder.gate.set()
        return [first, *rest]


def test_texts_that_wait_are_encoded_together(encoder: Encoder) -> None:
    futures = encode_concurrently(
        encoder, MicroBatcher(encoder, max_texts=3, concurrency=1), ["a", "ab", "abc", "b", "bc"]
    )
    assert [future.result().tolist() for future in futures] == [[[1]], [[2]], [[3]], [[1]], [[2]]]
    assert sum(map(len, encoder.batches)) == 5
    assert len(encoder.batches) < 5
    assert max(map(len, encoder.batches)) <= 3
    assert encoder.most == 1


def test_a_call_gets_its_own_vectors_in_order(encoder: Encoder) -> None:
    batcher = MicroBatcher(encoder, max_texts=2, concurrency=2)
    texts = [["a" * (k % 7 + 1), "b" * (k % 5 + 1), "c"] for k in range(60)]
    with ThreadPoolExecutor(8) as pool:
        for given, vectors in zip(texts, pool.map(batcher.encode, texts), strict=True):
            assert vectors.tolist() == [[len(text)] for text in given]
    assert encoder.most <= 2


def test_a_long_text_is_not_padded_to_by_short_ones(encoder: Encoder) -> None:
    encode_concurrently(
        encoder, MicroBatcher(encoder, max_texts=8, concurrency=1), ["x", "ab", "abcdefgh", "cd", "hgfedcba"]
    )
    assert sorted(map(sorted, encoder.batches[1:])) == [["ab", "cd"], ["abcdefgh", "hgfedcba"]]


def test_an_error_is_raised_to_all_of_its_batch_and_to_no_other(encoder: Encoder) -> None:
    batcher = MicroBatcher(encoder, max_texts=8, concurrency=1)
    futures = encode_concurrently(encoder, batcher, ["x", "bad", "two", "a much longer text"])
    for future in futures[1:3]:
        with pytest.raises(ValueError, match="cannot be encoded"):
            future.result()
    assert futures[3].result().tolist() == [[18]]
    assert batcher.encode(["again"]).tolist() == [[5]]


def test_a_short_call_is_not_encoded_after_all_the_long_ones(encoder: Encoder) -> None:
    batcher = MicroBatcher(encoder, max_texts=4, concurrency=1)
    encoder.gate.clear()
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(batcher.encode, [f"long {number}"] * 32) for number in range(5)]
        while len(batcher._waiting) < 5:
            pass
        calls.append(pool.submit(batcher.encode, ["!"]))
        while len(batcher._waiting) < 6:
            pass
        encoder.gate.set()
        for call in calls:
            call.result()
    # One batch was being encoded when it came, and one may have been led by another call.
    assert ["!"] in encoder.batches[:3]


def test_a_long_call_goes_on_while_short_ones_keep_coming(encoder: Encoder) -> None:
    batcher = MicroBatcher(encoder, max_texts=1, concurrency=1)
    long = ["a long text"] * 8
    encoder.gate.clear()
    with ThreadPoolExecutor(32) as pool:
        first = pool.submit(batcher.encode, ["x"])
        assert encoder.begun.wait(20)
        calls = [pool.submit(batcher.encode, long), *(pool.submit(batcher.encode, ["!"]) for _ in range(20))]
        while len(batcher._waiting) < 21:
            pass
        encoder.gate.set()
        for call in (first, *calls):
            call.result()
    # By turns: one of the shortest, one of the next in turn.
    assert encoder.batches.index(["a long text"]) < len(encoder.batches) - len(long)


def test_long_texts_make_small_batches(encoder: Encoder) -> None:
    batcher = MicroBatcher(encoder, max_texts=8, concurrency=1)
    batcher.encode(["x" * (MAX_BATCH_CHARS // 4)] * 8)
    batcher.encode(["x" * (2 * MAX_BATCH_CHARS)] * 2)
    assert [len(batch) for batch in encoder.batches] == [4, 4, 1, 1]


@pytest.mark.parametrize("calls", [1, 3, 7])
def test_every_text_is_encoded_once(encoder: Encoder, calls: int) -> None:
    batcher = MicroBatcher(encoder, max_texts=3, concurrency=2)
    texts = [[f"{call} {'x' * number}" for number in range(5 * call + 1)] for call in range(calls)]
    with ThreadPoolExecutor(calls) as pool:
        list(pool.map(batcher.encode, texts))
    assert sorted(text for batch in encoder.batches for text in batch) == sorted(t for each in texts for t in each)
