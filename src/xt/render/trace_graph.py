"""`xt trace` as a graph for other programs: Graphviz (dot) and Mermaid."""

from __future__ import annotations

from xt.model.lineage import Trace, TracedFile, TracedRun
from xt.model.text import from_text
from xt.render.quantities import fingerprint
from xt.render.visible import visible

#: Characters of one line of a label.
_LONGEST = 60


def dot(found: Trace) -> str:
    """Write it in the language of Graphviz: `xt trace X --format dot | dot -Tsvg`."""
    names, labels = _nodes(found)
    lines = ["digraph trace {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    shapes = {"run": "box", "file": "note", "event": "cds"}
    for key, (sort, label) in labels.items():
        text = "\\n".join(_dot(part) for part in label)
        more = ", penwidth=2" if key == found.start else ""
        lines.append(f'  {names[key]} [shape={shapes[sort]}, label="{text}"{more}];')
    for source, target, role in _edges(found, names):
        lines.append(f'  {source} -> {target} [label="{_dot(role)}"];')
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(found: Trace) -> str:
    """Write it in the language of Mermaid, which Markdown pages of many forges draw."""
    names, labels = _nodes(found)
    lines = ["flowchart LR"]
    brackets = {"run": ("[", "]"), "file": ("(", ")"), "event": ("{{", "}}")}
    for key, (sort, label) in labels.items():
        begin, end = brackets[sort]
        lines.append(f'  {names[key]}{begin}"{"<br/>".join(_mermaid(part) for part in label)}"{end}')
    for source, target, role in _edges(found, names):
        lines.append(f'  {source} -->|"{_mermaid(role)}"| {target}')
    if found.start in names:
        lines.append(f"  style {names[found.start]} stroke-width:3px")
    return "\n".join(lines) + "\n"


def _nodes(found: Trace) -> tuple[dict[str, str], dict[str, tuple[str, list[str]]]]:
    """A name that is harmless in every language for each thing, and what is written on it."""
    labels: dict[str, tuple[str, list[str]]] = {}
    for run in found.runs:
        labels[run.id] = ("run", _run(run))
    for file in found.files:
        labels[file.key] = ("file", _file(file))
    for event in found.deployments:
        live = "live in" if event.until is None else "was live in"
        labels[event.event] = ("event", [f"{live} {event.to}", event.at[:16].replace("T", " ") + " UTC"])
    return {key: f"n{number}" for number, key in enumerate(labels)}, labels


def _edges(found: Trace, names: dict[str, str]) -> list[tuple[str, str, str]]:
    return [
        (names[link.source], names[link.target], f"{link.role} ({link.common})" if link.common else link.role)
        for link in found.links
        if link.source in names and link.target in names
    ]


def _run(run: TracedRun) -> list[str]:
    about = run.purpose or run.name or run.task or " ".join(from_text(word) for word in run.command)
    return [run.id[: run.shown], about, f"{run.status}, {run.started_at[:16].replace('T', ' ')} UTC"]


def _file(file: TracedFile) -> list[str]:
    name = from_text(file.paths[0]) if file.paths else ""
    return [*([name] if name else []), "not known" if file.digest is None else fingerprint(file.digest)]


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _dot(text: str) -> str:
    # In a quoted string of dot only these two mean something; `visible` leaves no line end.
    return _cut(text).replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(text: str) -> str:
    """Mermaid writes a character by its number: `#35;`. All but letters, digits and a few others are."""
    return "".join(
        character if character.isalnum() or character in " _-./:,()…" else f"#{ord(character)};"
        for character in _cut(text)
    )
