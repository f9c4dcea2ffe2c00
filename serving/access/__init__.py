"""Who may do what: credentials of a request, roles and their rights, and the table of routes."""
