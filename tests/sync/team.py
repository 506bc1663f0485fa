"""Stores with runs whose contents are real, and places between them that count, break off or lie."""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from tests import builders
from xt import codec
from xt.context import Outside
from xt.errors import RemoteError
from xt.model.files import Entry, Manifest, Output
from xt.model.result import Metric, Stream
from xt.ops.sync.pull import Pull
from xt.ops.sync.pull import Wish as PullWish
from xt.ops.sync.push import Push
from xt.ops.sync.push import Wish as PushWish
from xt.store import Store
from xt.store.remote.folder import Folder
from xt.store.store import sealed

LETTERS = "klmnopqrstuvwxyz"


def ids(count: int) -> list[str]:
    """Ids that are spread over the folders of records."""
    found = []
    for number in range(count):
        digits = codec.digest(str(number).encode())[7:23]
        found.append("".join(LETTERS[int(digit, 16)] for digit in digits))
    return found


class Side:
    """A project and its store."""

    def __init__(self, path: Path, *, store: bool = True) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.outside = Outside(str(path), {"HOME": str(path), "PATH": os.environ["PATH"]})
        if store:
            self.store = Store.create(f"{path}/.xt")

    def add(self, run_id: str, text: str = "", **changes):
        """Seal a run with a log, a tree of outputs, metrics and a model; give its record."""
        put = self.store.objects.put_bytes
        text = text or run_id
        log, timing = f"said {text}\n".encode(), b"0.1 o 5\n"
        metrics, model, leaf = f'{{"acc": "{text}"}}'.encode(), (text * 700).encode(), f"leaf {text}".encode()
        tree = Manifest([Entry("a.txt", "file", 0o644, len(leaf), put(leaf))])
        outputs = [
            Output("metrics", "m.json", "file", "stored", "m.json", put(metrics), len(metrics), 1, 0o644),
            Output("model", "model.bin", "file", "stored", "model.bin", put(model), len(model), 1, 0o644),
            Output("artifact", "out/", "tree", "stored", "out", put(codec.encode(tree)), len(leaf), 1),
        ]
        logs = builders.logs(
            streams=[Stream("stdout", "pipe", len(log), put(log), len(log)), Stream("stderr", "pipe", 0)],
            timing=put(timing),
        )
        series = Metric("loss", 0.1, "XT_METRICS", count=2, series=put(f'{{"v": "{text}"}}\n'.encode()))
        snapshot = changes.pop("snapshot", None) or builders.snapshot(
            inputs=[], code=builders.code(tree=None)
        )
        result = builders.result(outputs=outputs, logs=logs, metrics=[series])
        record = replace(builders.record(snapshot, result, run_id), **changes)
        self.store.objects.settle()
        data, _ = sealed(record)
        self.store.publish(run_id, data)
        return record

    def push(self, remote, *words, asked=(), allow=False):
        wish = PushWish(tuple(words), tuple(asked), allow)
        return Push(self.store, remote, "team", wish, self.outside, lambda *_: None).run()

    def pull(self, remote, *words, asked=()):
        wish = PullWish(tuple(words), tuple(asked))
        return Pull(self.store, remote, "team", wish, self.outside, lambda *_: None).run()


def files(root, *tops):
    """Every file below some folders of a store or a remote, with its content."""
    found = {}
    for top in tops:
        for folder, _, names in os.walk(f"{root}/{top}"):
            for name in names:
                path = Path(folder, name)
                found[str(path.relative_to(root))] = path.read_bytes()
    return found


def shared(root):
    """What two equal stores have in common; what a killed process had not finished is none of it."""
    found = files(root, "runs", "objects", "events")
    return {name: data for name, data in found.items() if not name.endswith(".tmp")}


class Counting(Folder):
    """Counts what is asked of it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def _count(self, what: str) -> None:
        with self._lock:
            self.asked[what] += 1

    def entries(self, prefix):
        self._count("entries")
        return super().entries(prefix)

    def size(self, name):
        self._count("size")
        return super().size(name)

    def read(self, name, limit):
        self._count("read")
        return super().read(name, limit)

    def fetch(self, name, target, limit):
        self._count("fetch")
        return super().fetch(name, target, limit)

    def create(self, name, source):
        self._count("create")
        return super().create(name, source)


class Breaking(Folder):
    """Ends its service after so many requests; a write may have come through all the same."""

    def __init__(self, path: str, after: int, *, through: bool) -> None:
        super().__init__(path)
        self._left = itertools.count(after, -1)
        self._through = through
        self._lock = threading.Lock()

    def _ask(self, act=lambda: None):
        with self._lock:
            left = next(self._left)
        if left > 0:
            return
        if self._through and left == 0:
            act()
        raise RemoteError("the connection broke off")

    def entries(self, prefix):
        self._ask()
        return super().entries(prefix)

    def size(self, name):
        self._ask()
        return super().size(name)

    def read(self, name, limit):
        self._ask()
        return super().read(name, limit)

    def fetch(self, name, target, limit):
        self._ask(lambda: target.write(b"half"))
        return super().fetch(name, target, limit)

    def create(self, name, source):
        self._ask(lambda: super(Breaking, self).create(name, source))
        return super().create(name, source)
