"""Background tasks of a server that belong to a target: started, cancelled, and ended with the server."""
