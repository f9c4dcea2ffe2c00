"""Commands of `lethe` that go through the admin plane of a running server, by its Python client."""
