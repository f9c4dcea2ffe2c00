"""GGUF files as models: found by path, converted once to a folder that vLLM loads, and cached by digest."""
