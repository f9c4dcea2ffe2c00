"""The wire: request parsing, refused fields, error bodies, OpenAI's shapes, and every surface text leaves by."""
