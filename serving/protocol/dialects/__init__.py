"""The Responses and Messages APIs, translated to chat completions and back."""
