"""Compares the twins of many bodies: python -m tests.serving.twins [bodies] [seed]"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from tests.serving.twins.twins import fuzz

count, seed = (int(given) for given in (*sys.argv[1:], "10000", "0")[:2])
found = asyncio.run(fuzz(count, seed))
for each in found[:30]:
    print(each.route, each.touched, str(each.body)[:400])
    for shown in each.shapes:
        print("   ", str(shown)[:1500])
print(f"{count} bodies, {len(found)} differences: {dict(Counter(each.touched for each in found))}")
sys.exit(bool(found))
