"""`python -m serving`: the command line without its console script."""

from serving.cli import app

app()
