"""`python -m serving`: the command line without its console script."""

from serving.cli.app import app

# The engine's process imports this module again; it must not serve there.
if __name__ == "__main__":
    app()
