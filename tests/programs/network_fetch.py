"""Fetches today's prices, and takes yesterday's where there is no network.

Source: the far end answers something else each time. Plain repeats: divergent. Diagnosis: network;
`--vary network` changes it too.
"""

import sys
import urllib.error
import urllib.request
from pathlib import Path

try:
    with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
        prices = answer.read().decode()
except urllib.error.URLError:
    prices = "yesterday's prices\n"
Path("out.txt").write_text(prices)
