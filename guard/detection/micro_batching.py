"""Micro-batching: texts of many threads are encoded together, which costs far less than one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# Texts in a batch are padded to the longest; those that differ more in length are not batched together.
_MAX_LENGTH_RATIO = 2
# Characters in a batch, about: a batch cannot be interrupted, and what comes meanwhile waits for its end.
MAX_BATCH_CHARS = 2_048


@dataclass(slots=True, eq=False)
class _PendingText:
    text: str = field(repr=False)
    vector: Any = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.vector is not None or self.error is not None


class MicroBatcher:
    """Encodes texts of many threads in batches of at most `max_texts`, at most `concurrency` batches at a time.

    It has no thread of its own: a calling thread that finds a slot free encodes a batch, with texts of other calls
    where they are of similar length. Every other batch is led by the call with the fewest texts left, so that a
    short one does not wait for long ones; the rest are led by the calls in turn, so that none waits for ever.
    """

    def __init__(self, encode: Callable[[list[str]], Vectors], max_texts: int, concurrency: int) -> None:
        self._encode = encode
        self._max_texts = max_texts
        self._free_slots = concurrency
        # The texts of each call that are not in a batch yet; no list is empty.
        self._waiting: deque[list[_PendingText]] = deque()
        self._shortest_leads = True
        self._changed = threading.Condition()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of at least one text; raises what the encoder raised."""
        own = [_PendingText(text) for text in texts]
        with self._changed:
            self._waiting.append(list(own))
            while not all(pending.done for pending in own):
                if self._free_slots and self._waiting:
                    self._encode_batch()
                else:
                    self._changed.wait()
        for pending in own:
            if pending.error is not None:
                raise pending.error
        return np.stack([pending.vector for pending in own])

    def _encode_batch(self) -> None:
        """Encode a batch; the caller holds the lock, which is released meanwhile."""
        batch = self._take_batch()
        self._free_slots -= 1
        self._changed.release()
        try:
            for pending, vector in zip(batch, self._encode([each.text for each in batch]), strict=True):
                pending.vector = vector
        except BaseException as error:
            # Every thread that waits for one of these texts must get the error, or it would wait forever.
            for pending in batch:
                pending.error = error
        finally:
            self._changed.acquire()
            self._free_slots += 1
            self._changed.notify_all()

    def _take_batch(self) -> list[_PendingText]:
        leader = min(self._waiting, key=len) if self._shortest_leads else self._waiting[0]
        self._shortest_leads = not self._shortest_leads
        length = len(leader[0].text)
        size = max(1, min(self._max_texts, MAX_BATCH_CHARS // max(length, 1)))
        batch: list[_PendingText] = []
        # The shortest calls fill the batch, and only then the long ones: more calls are done by it.
        for call in (leader, *sorted((call for call in self._waiting if call is not leader), key=len)):
            similar = (pending for pending in call if _are_similar(length, len(pending.text)))
            batch += islice(similar, size - len(batch))
        taken = set(map(id, batch))
        left = ([each for each in call if id(each) not in taken] for call in self._waiting)
        self._waiting = deque(call for call in left if call)
        self._waiting.rotate(-1)
        return batch


def _are_similar(length: int, other: int) -> bool:
    return length <= _MAX_LENGTH_RATIO * other and other <= _MAX_LENGTH_RATIO * length
