"""How utility and cost develop as targets grow: scalability and sustainability."""
