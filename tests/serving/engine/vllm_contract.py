"""The contract with vLLM: what Lethe uses of it, looked up in the Python sources of any version.

They need not run. `violations` lists what a version has moved, dropped or added: imports, members, request fields,
flags, and the order in which its samplers change logits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from serving.engine.embedded import FIXED_FLAGS, flags
from serving.protocol.fields import FIELD_RULES, Decision
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, REFUSED_FIELDS, RESPONSES
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
REQUESTS = {
    CHAT: ("entrypoints/openai/chat_completion/protocol.py", "ChatCompletionRequest"),
    COMPLETIONS: ("entrypoints/openai/completion/protocol.py", "CompletionRequest"),
    RESPONSES: ("entrypoints/openai/responses/protocol.py", "ResponsesRequest"),
    MESSAGES: ("entrypoints/anthropic/protocol.py", "AnthropicMessagesRequest"),
}
FLAG_FILES = ("engine/arg_utils.py", "entrypoints/launchers/cli_args.py", "entrypoints/common/cli_args.py")
SAMPLE_V2 = "v1/worker/gpu/sample/"
# Classes of which every member counts, as one more would have to be understood.
INTERFACES = {
    (SAMPLE_V2 + "logits_processor/interface.py", "LogitsProcessor"): (
        *("__init__", "validate_params", "add_request", "apply_staged_writes", "apply"),
    ),
    (SAMPLE_V2 + "logits_processor/interface.py", "LogitsContext"): (
        *("expanded_idx_mapping", "idx_mapping", "idx_mapping_np", "expanded_local_pos", "input_ids", "pos"),
        "seq_lens_upper_bound_np",
    ),
    (SAMPLE_V2 + "logits_processor/interface.py", "LogitsProcRequestState"): (
        *("device", "max_num_reqs", "vocab_size", "all_token_ids", "prompt_len", "prefill_len", "total_len"),
        "from_request_state",
    ),
    ("v1/sample/logits_processor/interface.py", "LogitsProcessor"): (
        *("validate_params", "__init__", "apply", "is_argmax_invariant", "update_state"),
    ),
    ("v1/sample/logits_processor/interface.py", "BatchUpdate"): ("batch_size", "removed", "added", "moved"),
}
MEMBERS = {
    ("config/vllm.py", "VllmConfig"): (
        *("use_v2_model_runner", "speculative_config", "model_config", "parallel_config", "kv_transfer_config"),
        "instance_id",
    ),
    ("config/parallel.py", "ParallelConfig"): (
        *("world_size", "rank", "tensor_parallel_size", "data_parallel_index", "enable_batch_sharded_sampling"),
    ),
    ("config/kv_transfer.py", "KVTransferConfig"): ("kv_connector", "kv_role"),
    ("config/model.py", "ModelConfig"): (
        "logits_processors",
        "logprobs_mode",
        "enable_prompt_embeds",
        "is_diffusion",
    ),
    ("config/speculative.py", "SpeculativeConfig"): ("num_speculative_tokens", "rejection_sample_method"),
    ("v1/engine/async_llm.py", "AsyncLLM"): (
        "from_vllm_config",
        "reset_prefix_cache",
        "get_tokenizer",
        "shutdown",
    ),
    ("engine/arg_utils.py", "EngineArgs"): ("create_engine_config", "from_cli_args"),
    ("sampling_params.py", "SamplingParams"): ("extra_args", "skip_special_tokens"),
}
ORDERS = {
    (SAMPLE_V2 + "sampler.py", "Sampler", "apply_sampling_params"): (
        *("processor.apply", "self.thinking_budget_state.apply", "self.sampling_states.apply_temperature"),
        *("self.sampling_states.apply_min_p", "self.sampling_states.apply_top_k_top_p"),
    ),
    ("v1/sample/sampler.py", "Sampler", "apply_logits_processors"): (
        *("apply_bad_words", "processor.apply", "self.apply_penalties", "holder.apply_to_logits"),
    ),
}
STAGES_V2 = ("logit_bias_state", "self.penalties_state", "bad_words_state", "*custom_logits_processors")


@dataclass(frozen=True)
class Sources:
    """The Python sources of one version: a folder `vllm`, and files of it that are to read otherwise."""

    folder: Path
    changed: Mapping[str, str] = field(default_factory=dict)

    def text(self, file: str) -> str | None:
        """The text of a file, None if there is none."""
        if file in self.changed:
            return self.changed[file]
        path = self.folder / file
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def tree(self, file: str) -> ast.Module | None:
        """The parsed file."""
        text = self.text(file)
        return None if text is None else _parsed(text)

    def module(self, name: str) -> ast.Module | None:
        """The parsed module of a dotted name."""
        stem = "/".join(name.split(".")[1:])
        return self.tree(f"{stem}.py") or self.tree(f"{stem}/__init__.py".lstrip("/"))

    def members(self, file: str, name: str) -> set[str] | None:
        """Fields and methods of a class, None if there is no such class."""
        tree = self.tree(file)
        found = [n for n in (tree.body if tree else ()) if isinstance(n, ast.ClassDef) and n.name == name]
        return set(_names(found[0].body)) if found else None


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def violations(sources: Sources) -> list[str]:
    """What of the contract does not hold, a line each that says where to look; empty if all of it holds."""
    return [*_imports(sources), *_members(sources), *_fields(sources), *_flags(sources), *_orders(sources)]


class _Import(NamedTuple):
    module: str
    name: str
    file: str


@cache
def _used() -> list[list[_Import]]:
    """What our packages import of vLLM; where an ImportError is caught, the alternatives together."""
    return list(_found_imports())


def _found_imports() -> Iterator[list[_Import]]:
    for package in ("guard", "serving", "eval"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text, file = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
            if "vllm" not in text:
                continue
            tree = ast.parse(text)
            alternatives: set[ast.AST] = set()
            for node in ast.walk(tree):
                if isinstance(node, ast.Try):
                    branches = [node.body, *(handler.body for handler in node.handlers)]
                    groups = [list(_imported(branch, file)) for branch in branches]
                    if all(groups):
                        alternatives.update(n for branch in branches for n in branch)
                        for each in zip(*groups, strict=True):
                            yield list(each)
            rest = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n not in alternatives]
            for one in _imported(rest, file):
                yield [one]


def _imported(nodes: Iterable[ast.AST], file: str) -> Iterator[_Import]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vllm":
            for alias in node.names:
                yield _Import(str(node.module), alias.name, file)


def _imports(sources: Sources) -> Iterator[str]:
    for group in _used():
        if not any(_has(sources, one) for one in group):
            names = " or ".join(f"{one.module}.{one.name}" for one in group)
            yield f"import gone: {names} (used in {group[0].file})"


def _has(sources: Sources, one: _Import) -> bool:
    tree = sources.module(one.module)
    return tree is not None and one.name in set(_names(tree.body))


def _names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """What a module or class defines or imports at its top, on any branch."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _names([*node.body, *getattr(node, "orelse", [])])


def _members(sources: Sources) -> Iterator[str]:
    for (file, name), used in {**MEMBERS, **INTERFACES}.items():
        found = sources.members(file, name)
        if found is None:
            yield f"class gone: {name} in vllm/{file}"
            continue
        yield from (f"member gone: {name}.{member} in vllm/{file}" for member in used if member not in found)
        if (file, name) in INTERFACES:
            more = sorted(found.difference(used))
            yield from (f"member new: {name}.{member} in vllm/{file}: what is it for?" for member in more)


def _fields(sources: Sources) -> Iterator[str]:
    for route, (file, name) in REQUESTS.items():
        found = sources.members(file, name)
        if found is None:
            yield f"class gone: {name} in vllm/{file}"
            continue
        tree = sources.tree(file)
        fields = {n for n in found if not n.startswith("_") and _is_field(tree, name, n)}
        rules = {rule.name: rule.decision for rule in FIELD_RULES if route in rule.routes}
        refused = {row.field for row in REFUSED_FIELDS if route in row.routes}
        for new in sorted(fields - rules.keys() - refused):
            yield f"request field new: {name}.{new} has no decision in serving/protocol/fields.py"
        passing = {name for name, decision in rules.items() if decision in (Decision.READ, Decision.PASS)}
        for gone in sorted(passing - fields):
            yield f"request field gone: {name}.{gone}, which passes to the engine on {route}"


def _is_field(tree: ast.Module | None, name: str, member: str) -> bool:
    (found,) = [n for n in (tree.body if tree else ()) if isinstance(n, ast.ClassDef) and n.name == name]
    fields = [n for n in found.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return any(n.target.id == member and "ClassVar" not in ast.unparse(n.annotation) for n in fields)


def _flags(sources: Sources) -> Iterator[str]:
    known: set[str] = set()
    for file in FLAG_FILES:
        for node in ast.walk(sources.tree(file) or ast.Module([], [])):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("--"):
                known.add(node.value)
            # The flags of the server are its arguments' fields, those of the engine are spelled out.
            served = "cli_args" in file
            if served and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                known.add("--" + node.target.id.replace("_", "-"))
    for flag in sorted({*FIXED_FLAGS, *_own_flags()}):
        if flag not in known and "--" + flag.removeprefix("--no-") not in known:
            yield f"flag gone: {flag}"


def _own_flags() -> set[str]:
    line = flags(Settings(max_model_len=8, model="m"), str(ROOT / "tests/serving/engine"), cpu=False)
    on_cpu = {"--enforce-eager", "--block-size", "--no-enable-chunked-prefill", "--max-num-batched-tokens"}
    return {word for word in line if word.startswith("--")} | on_cpu


def _orders(sources: Sources) -> Iterator[str]:
    for (file, name, method), expected in ORDERS.items():
        body = _method(sources, file, name, method)
        calls = [ast.unparse(n.func) for n in _in_order(body) if isinstance(n, ast.Call)] if body else []
        found = tuple(call for call in dict.fromkeys(calls) if "apply" in call)
        if found != expected:
            yield f"sampler order: {name}.{method} in vllm/{file} is {_shown(found)}, was {_shown(expected)}"
    init = _method(sources, SAMPLE_V2 + "sampler.py", "Sampler", "__init__")
    lists = [n.value for n in ast.walk(init or ast.Module([], [])) if isinstance(n, ast.AnnAssign)]
    stages = [tuple(map(ast.unparse, one.elts)) for one in lists if isinstance(one, ast.List)]
    if stages != [STAGES_V2]:
        yield f"sampler order: the stages in vllm/{SAMPLE_V2}sampler.py are {stages}, were {_shown(STAGES_V2)}"


def _method(sources: Sources, file: str, name: str, method: str) -> ast.FunctionDef | None:
    tree = sources.tree(file)
    classes = [n for n in (tree.body if tree else ()) if isinstance(n, ast.ClassDef) and n.name == name]
    found = [n for c in classes for n in c.body if isinstance(n, ast.FunctionDef) and n.name == method]
    return found[0] if found else None


def _in_order(node: ast.AST) -> list[ast.AST]:
    return sorted(ast.walk(node), key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))


def _shown(names: Iterable[str]) -> str:
    return " > ".join(names) or "not there"
