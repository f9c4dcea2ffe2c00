"""What is at different places in the supported versions of vLLM (0.32 and 0.33)."""

from __future__ import annotations

from typing import Any, NamedTuple


class ServeFlags(NamedTuple):
    """The two functions that read the flags of `vllm serve`."""

    make_arg_parser: Any
    validate_parsed_serve_args: Any


def serve_flags() -> ServeFlags:
    """Import the functions that read the flags of `vllm serve`; ImportError if no supported version has them."""
    try:
        from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    except ImportError:
        # From 0.33 on.
        from vllm.entrypoints.common.cli_args import make_arg_parser, validate_parsed_serve_args
    return ServeFlags(make_arg_parser, validate_parsed_serve_args)
