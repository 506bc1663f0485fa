"""The page of a run: the container that was started for it, and what is installed in its image."""

from __future__ import annotations

from xt.model.environment import Container, Installed
from xt.model.text import from_text
from xt.render.cells import clip
from xt.render.layout import flow, wrap
from xt.render.quantities import count, fingerprint
from xt.render.quoting import quote
from xt.render.styled import Line, say

#: Characters of options that are shown.
LONG = 400
#: Packages worth naming, those that decide a result's numbers first.
NOTABLE = (
    *("torch", "jax", "tensorflow", "transformers", "vllm", "scikit-learn", "xgboost", "lightgbm"),
    *("numpy", "scipy", "pandas", "polars", "datasets"),
)
NAMED = 4


def container(found: Container, width: int) -> list[Line]:
    """The container that was started for the command, and what is installed in its image."""
    engine = found.engine or "a container"
    if found.found is None:
        named = f" {found.image}" if found.image else ""
        why = [say("; which image that was is not known", "bold"), say(f": {found.reason or 'no reason'}")]
        return wrap([say(f"in {engine}{named}"), *why], width, 2)
    inner = found.found
    words = [from_text(word) for word in found.options]
    items: list[Line] = [
        [say(f"in {engine} {found.image}"), say(f" {fingerprint(inner.id)}", "dim"), *labels(found)]
    ]
    items += [[say(inner.distribution)]] if inner.distribution else []
    items += [_installed(place) for place in inner.installed or []]
    if inner.entrypoint and found.started_by == "xt" and not any("--entrypoint" in word for word in words):
        items.append([say(f"entrypoint {clip(' '.join(inner.entrypoint), LONG)} not used", "dim")])
    if words:
        items.append([say("with ", "dim"), say(clip(" ".join(map(quote, words)), LONG))])
    if found.handed:
        items.append([say(f"{count(len(found.handed), 'variable')} handed over", "dim")])
    lines = flow(items, width)
    for said in [*found.adjusted, *([inner.reason] if inner.reason else [])]:
        lines += wrap([say(said, "dim")], width, 2)
    return lines


def labels(found: Container) -> Line:
    """What the labels say the image is: its title, version and commit."""
    last = {name.rpartition(".")[2]: value for name, value in found.labels.items()}
    told = [
        last.get("title", ""),
        last.get("version", ""),
        last.get("revision", last.get("vcs-ref", ""))[:12],
    ]
    words = " ".join(word for word in told if word)
    return [say(f" ({clip(words, 60)})", "dim")] if words else []


def _installed(found: Installed) -> Line:
    if found.kind != "python":
        return [say(count(len(found.packages), f"{found.kind} package"))]
    versions = {package.name: package.version for package in found.packages}
    notable = [f"{name} {versions[name]}" for name in NOTABLE if name in versions][:NAMED]
    said = f"Python {found.version or 'of unknown version'}, {count(len(found.packages), 'package')}"
    return [say(said + (f" ({', '.join(notable)})" if notable else "")), say(f" in {found.place}", "dim")]
