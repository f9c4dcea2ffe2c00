"""`python -m serving.demo --out FOLDER`: prepare the demo model and print where it is."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from serving.demo.cache import ensure_demo_model

parser = ArgumentParser(prog="python -m serving.demo", description="Prepare the demo model and print where it is.")
parser.add_argument("--out", type=Path, required=True, help="folder to keep the model in")
parser.add_argument("--quiet", action="store_true", help="show no progress bar")
arguments = parser.parse_args()
print(ensure_demo_model(arguments.out, progress=not arguments.quiet))
