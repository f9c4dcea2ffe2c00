"""Ways to run a task's requests: Hugging Face reference, vLLM engine, or OpenAI endpoint."""
