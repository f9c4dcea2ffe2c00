"""The encoder compiled for this CPU by OpenVINO: nearly the same vectors in a third of the time."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 0.02
"""Largest distance of a vector from that of sentence-transformers, so that no cosine differs by more; torch runs a
model that exceeds it. By bf16, cosines of all-MiniLM-L6-v2 differ by 0.002 at most (docs/detector.md)."""

SHAPE_TOKENS = 8
"""Several texts are padded to a multiple of so many: what is compiled for a shape takes half a MiB and stays."""

_INPUTS = ("input_ids", "attention_mask")
_PROBE_TEXTS = (
    "Where was she born?",
    "A second, somewhat longer text of more than one sentence. It is padded against.",
)


class OpenVinoEncoder:
    """A sentence-transformers model as one compiled graph. Safe to call from threads."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._requests = threading.local()

    def encode(self, features: Mapping[str, Any]) -> NDArray[np.float32]:
        """Return float32 [n, dimension], each row of length 1, for the tokenizer's features of n texts."""
        request = getattr(self._requests, "own", None)
        if request is None:
            request = self._requests.own = self._graph.create_infer_request()
        given = {name: _padded(features[name].numpy()) for name in _INPUTS}
        vectors = np.array(request.infer(given)[self._graph.output(0)], np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def _padded(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `values` [n, tokens] with zeros behind, which are masked. One text stays as it is: somebody waits."""
    rows, tokens = values.shape
    return np.pad(values, ((0, 0), (0, -tokens % SHAPE_TOKENS))) if rows > 1 else values


def compiled(model: Any, name: str) -> OpenVinoEncoder | None:
    """Return the compiled graph of the sentence-transformers model called `name`, which identifies its weights.

    Returns None if OpenVINO is not installed, cannot compile the model, or gives other vectors. A converted model
    is kept in the user's cache folder by name, and compared with sentence-transformers whenever it is loaded.
    """
    if find_spec("openvino") is None:
        return None
    import torch

    features = model.preprocess(list(_PROBE_TEXTS))
    with torch.inference_mode():
        wanted = torch.nn.functional.normalize(model(dict(features))["sentence_embedding"], dim=1).float().numpy()
    try:
        path = _cache() / _file(name)
        try:
            encoder = _compiled(path)
        except Exception:
            _convert(model, features, path)
            encoder = _compiled(path)
        given = encoder.encode(features)
    # Whatever the reason for which OpenVINO cannot run a model, torch runs it.
    except Exception:
        return None
    return encoder if np.linalg.norm(given - wanted, axis=1).max() <= MAX_DISTANCE else None


def _openvino() -> Any:
    """Return the library, without the package by which it reports its use to its makers, unasked."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


def _compiled(path: Path) -> OpenVinoEncoder:
    core = _openvino().Core()
    threads = int(os.environ.get("OMP_NUM_THREADS", "0") or 0)
    # A third of the time of fp32 where the CPU has instructions for it, and slower where it has not.
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        # The engine's threads are bound to cores; a thread of ours that is bound to one of them would wait for it.
        "ENABLE_CPU_PINNING": False,
    }
    return OpenVinoEncoder(core.compile_model(str(path), "CPU", settings))


def _convert(model: Any, features: Mapping[str, Any], path: Path) -> None:
    import torch

    openvino = _openvino()

    class WholeModel(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            vectors: torch.Tensor = self.model({"input_ids": input_ids, "attention_mask": attention_mask})[
                "sentence_embedding"
            ]
            return vectors

    with warnings.catch_warnings():
        # Tracing warns about every branch on a shape; those are constant for an encoder.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(
            WholeModel().eval(), example_input={name: features[name] for name in _INPUTS}
        )
    for given, name in zip(converted.inputs, _INPUTS, strict=True):
        given.get_tensor().set_names({name})
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        openvino.save_model(converted, str(written), compress_to_fp16=False)
        for suffix in (".bin", ".xml"):
            written.with_suffix(suffix).replace(path.with_suffix(suffix))


def _file(name: str) -> str:
    return f"{name.replace(os.sep, '_')}-openvino-{version('openvino')}.xml"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lethe"
