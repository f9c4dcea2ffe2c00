"""The server: a data plane that speaks OpenAI around a vLLM engine, and an admin plane for forget targets."""
