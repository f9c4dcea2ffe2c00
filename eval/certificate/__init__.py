"""Signs certificates that an endpoint, asked about a target in many ways, does not reveal it."""
