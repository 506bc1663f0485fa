"""Trains a tiny logistic regression with a fixed seed: deterministic, whatever surrounds it."""

import json
import math
import random
from pathlib import Path

chance = random.Random(7)
points = [(chance.gauss(0, 1), chance.gauss(0, 1)) for _ in range(200)]
labels = [1.0 if x + 0.5 * y > 0.1 else 0.0 for x, y in points]
w = [0.0, 0.0, 0.0]
for _ in range(30):
    order = list(range(len(points)))
    chance.shuffle(order)
    for i in order:
        x, y = points[i]
        error = 1 / (1 + math.exp(-(w[0] * x + w[1] * y + w[2]))) - labels[i]
        w = [w[0] - 0.1 * error * x, w[1] - 0.1 * error * y, w[2] - 0.1 * error]
right = sum(
    (w[0] * x + w[1] * y + w[2] > 0) == (label == 1) for (x, y), label in zip(points, labels, strict=True)
)
Path("out.json").write_text(json.dumps({"weights": w, "accuracy": right / len(points)}))
