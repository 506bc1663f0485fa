"""Train a small neural network on handwritten digits. NumPy only; one seed gives one result, byte for byte.

    python train.py --lr 0.05 --epochs 20

It knows nothing of xt. Two variables of the environment are honoured: `XT_SEED`, the seed when there is
no `--seed`, and `XT_METRICS`, a file to append a JSON line to for every number worth following.
"""

from __future__ import annotations

import argparse
import json
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
Array = NDArray[np.float64]
Weights = dict[str, Array]


def load(path: Path) -> tuple[Array, NDArray[np.int64]]:
    """Read images (64 pixels from 0 to 1 a row) and the digit each shows."""
    table = np.loadtxt(path, delimiter=",")
    return table[:, :64] / 16.0, table[:, 64].astype(np.int64)


def begin(rng: np.random.Generator, hidden: int) -> Weights:
    """Draw the weights to start from (He initialisation)."""
    return {
        "w1": rng.normal(0.0, np.sqrt(2 / 64), (64, hidden)),
        "b1": np.zeros(hidden),
        "w2": rng.normal(0.0, np.sqrt(2 / hidden), (hidden, 10)),
        "b2": np.zeros(10),
    }


def forward(weights: Weights, images: Array) -> tuple[Array, Array]:
    """Compute the hidden layer, and the probability of each digit."""
    hidden = np.maximum(images @ weights["w1"] + weights["b1"], 0.0)
    scores = hidden @ weights["w2"] + weights["b2"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, powers / powers.sum(axis=1, keepdims=True)


def gradient(weights: Weights, images: Array, digits: NDArray[np.int64]) -> Weights:
    """Differentiate the mean cross-entropy."""
    hidden, error = forward(weights, images)
    error[np.arange(len(digits)), digits] -= 1.0
    error /= len(digits)
    back = (error @ weights["w2"].T) * (hidden > 0)
    return {"w1": images.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}


def judge(weights: Weights, images: Array, digits: NDArray[np.int64]) -> tuple[float, float]:
    """Measure mean cross-entropy and the share that is right."""
    chances = forward(weights, images)[1]
    loss = -np.log(np.maximum(chances[np.arange(len(digits)), digits], 1e-12)).mean()
    return float(loss), float((chances.argmax(axis=1) == digits).mean())


def save(path: str, weights: Weights) -> None:
    """Write an .npz file without the time of day, so that equal weights are equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in weights.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w") as file:
                np.lib.format.write_array(file, array)


def send(name: str, value: float, **more: object) -> None:
    """Tell whoever listens a number."""
    if path := os.environ.get("XT_METRICS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "value": value, **more}) + "\n")


def main() -> None:
    """Train, report, and leave metrics, cases and model in the working directory."""
    parser = argparse.ArgumentParser(description="Train a small network on handwritten digits.")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training images")
    parser.add_argument("--hidden", type=int, default=32, help="units of the hidden layer")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("XT_SEED", "0")))
    options = parser.parse_args()

    images, digits = load(HERE / "data" / "digits.csv.gz")
    # The split is part of the task, not of the experiment: it does not depend on the seed.
    order = np.random.default_rng(1797).permutation(len(digits))
    val, train = order[:360], order[360:]

    rng = np.random.default_rng(options.seed)
    weights = begin(rng, options.hidden)
    speed = {name: np.zeros_like(array) for name, array in weights.items()}
    metrics: dict[str, float] = {}
    for epoch in range(1, options.epochs + 1):
        for batch in np.array_split(rng.permutation(train), len(train) // 32):
            for name, slope in gradient(weights, images[batch], digits[batch]).items():
                speed[name] = 0.9 * speed[name] - options.lr * slope
                weights[name] = weights[name] + speed[name]
        for part, rows in (("train", train), ("val", val)):
            metrics[f"{part}/loss"], metrics[f"{part}/acc"] = judge(weights, images[rows], digits[rows])
        for name, value in metrics.items():
            send(name, value, step=epoch)
        said = f"loss {metrics['train/loss']:.3f}  val/acc {metrics['val/acc']:.3f}"
        print(f"epoch {epoch:2d}/{options.epochs}  {said}", flush=True)

    for digit in range(10):
        rows = val[digits[val] == digit]
        send("val/acc", judge(weights, images[rows], digits[rows])[1], labels={"digit": str(digit)})
    with open("metrics.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(metrics, indent=2) + "\n")
    read = forward(weights, images[val])[1].argmax(axis=1)
    with open("cases.jsonl", "w", encoding="utf-8") as file:
        for row, digit, said in zip(val.tolist(), digits[val].tolist(), read.tolist(), strict=True):
            file.write(json.dumps({"id": row, "digit": digit, "read": said, "correct": said == digit}) + "\n")
    save("model.npz", weights)


if __name__ == "__main__":
    main()
