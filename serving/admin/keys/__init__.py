"""Keys over HTTP: admin keys with roles and client keys, created, rotated and revoked while servers run."""
