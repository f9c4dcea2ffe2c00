from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT_ALONE = """
import sys, types
fake = types.ModuleType("vllm.v1.worker.gpu.sample.logits_processor")
fake.LogitsProcessor = object
sys.modules[fake.__name__] = fake
import importlib
importlib.import_module("{module}")
print(*sorted({{"torch", "faiss", "transformers", "triton"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("module", ["guard.vllm_v2", "guard.vllm_v2.bias", "guard.vllm_v2.difference"])
def test_vllms_front_end_imports_a_processor_without_torch(module: str) -> None:
    """It imports the class only to validate requests. vLLM itself is left out here."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALONE.format(module=module)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
