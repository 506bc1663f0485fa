"""The page of a run, first half: what caused it."""

from __future__ import annotations

from xt.model.bundle import Bundle
from xt.model.code import Code, Repository
from xt.model.environment import Environment, Gpus, Machine, Python
from xt.model.files import Input
from xt.model.snapshot import Command, Param, Seed, Snapshot
from xt.model.text import Text, from_text
from xt.render.cells import clip
from xt.render.containers import NAMED, NOTABLE, container, labels
from xt.render.layout import beside, flow, table, wrap
from xt.render.quantities import count, fingerprint, size
from xt.render.quoting import quote, value
from xt.render.styled import Line, say

#: Shown of each list; `--json` has all.
CHANGES, LEFT_OUT, PARAMS, INPUTS, WORDS = 6, 4, 60, 40, 80
#: Characters of a word of the command, and cells of a param's value.
LONG_WORD, LONG_VALUE = 400, 120
#: Interpreters as their makers write them.
IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def command(snapshot: Snapshot, width: int) -> list[Line]:
    """The command as it would be typed, and where."""
    ran = snapshot.command
    line: Line = []
    for number, word in enumerate(ran.argv[:WORDS]):
        text = from_text(word)
        # A masked word is no word to type.
        shown = text if number in ran.redacted else quote(text)
        shown = shown if len(shown) <= LONG_WORD else shown[:LONG_WORD] + "…"
        line += [*([say(" ")] if line else []), say(shown, "bold" if number == 0 else "")]
    if len(ran.argv) > WORDS:
        line.append(say(f" … and {count(len(ran.argv) - WORDS, 'more word')}", "dim"))
    aside = [say("in ", "dim"), say(ran.cwd)] if ran.cwd != "." else []
    lines = beside(wrap(line, width, 2), aside, width)
    if snapshot.environment.python is None and ran.executable.digest is not None:
        lines += wrap(_executable(ran), width, 2)
    if ran.stdin_digest is not None:
        lines += wrap(_stdin(ran), width, 2)
    return lines


def _stdin(ran: Command) -> Line:
    line = [say("standard input ", "dim"), say(f"a {ran.stdin}")]
    if not ran.stdin_size:
        return [*line, say(" with nothing in it")]
    return [*line, say(f" of {size(ran.stdin_size)}"), say(f"  {fingerprint(ran.stdin_digest or '')}", "dim")]


def _executable(ran: Command) -> Line:
    found = ran.executable
    weight = f"  {size(found.size)}" if found.size is not None else ""
    return [say(found.path or "", "dim"), say(f"{weight}  {fingerprint(found.digest or '')}", "dim")]


def code(snapshot: Snapshot, short: str, width: int) -> list[Line]:
    """The tree that ran: commit, what differs from it, what is not in it."""
    found = snapshot.code
    if found.status == "none":
        return wrap([say("no snapshot", "bad"), say(f": {found.reason or 'no reason is known'}")], width, 2)
    changed = next((item.path for item in found.changed if item.change != "deleted"), None)
    aside = (
        [say(f"xt show {short} --code {clip(quote(from_text(changed)), 40)}", "accent")] if changed else []
    )
    lines = wrap(commit(found), width, 2)
    if aside:
        beside_it = beside(lines, aside, width)
        # A hint that needs a line of its own is not worth it.
        lines = beside_it if len(beside_it) == len(lines) else lines
    details = _changes(found) + _outside(found)
    return lines + (
        table([[[say(name, "dim")], rest] for name, rest in details], width, 1) if details else []
    )


def commit(found: Code) -> Line:
    """Commit and branch, and how many files differ from it."""
    if found.vcs is None:
        return [say("the folder as it was, without git")]
    line: Line = [say(found.head[:7], "bold")] if found.head else [say("no commit yet")]
    if found.detached:
        line.append(say(", detached"))
    elif found.branch is not None:
        line += [say(" on "), say(found.branch)]
    parts = []
    if found.changed_total > len(found.changed):
        # Of those that are not listed it is not known which they are.
        parts.append(f"{found.changed_total} changed or untracked")
    else:
        untracked = sum(item.change == "untracked" for item in found.changed)
        counts = {"changed": found.changed_total - untracked, "untracked": untracked}
        parts += [f"{count} {word}" for word, count in counts.items() if count]
    if parts:
        line += [say(" + ", "dim"), say(", ".join(parts))]
    elif found.dirty is False:
        line.append(say(", clean"))
    marks = [
        ("shallow clone", found.shallow),
        ("linked worktree", found.worktree),
        ("partial clone", found.partial),
        (f"{count(found.lfs_pointers, 'LFS pointer')}", bool(found.lfs_pointers)),
    ]
    return line + [say(f" · {name}", "dim") for name, applies in marks if applies]


def _changes(found: Code) -> list[tuple[str, Line]]:
    """Changed paths by kind, a few of them."""
    kinds: dict[str, list[Text]] = {}
    for item in found.changed[:CHANGES]:
        kinds.setdefault(item.change, []).append(item.path)
    rows = [(kind, _listed([say(path) for path in paths])) for kind, paths in sorted(kinds.items())]
    if rows and found.changed_total > CHANGES:
        rows[-1][1].append(say(f", and {count(found.changed_total - CHANGES, 'more path')}", "dim"))
    return rows


def _outside(found: Code) -> list[tuple[str, Line]]:
    """Where it comes from, what is not in the tree, and what it holds of other repositories."""
    rows: list[tuple[str, Line]] = (
        [("remote", [say(found.remote, "dim")])] if found.remote is not None else []
    )
    for item in found.left_out[:LEFT_OUT]:
        weight = f" {size(item.size)}" if item.size is not None else ""
        rows.append(("left out", [say(item.path), say(weight), say(f": {item.reason}", "dim")]))
    more = found.left_out_total - min(len(found.left_out), LEFT_OUT)
    if more > 0:
        rows.append(("", [say(f"and {count(more, 'more path')}", "dim")]))
    if found.ignored_total:
        rows.append(("ignored", [say(count(found.ignored_total, "path"), "dim")]))
    return rows + [(inner.kind, _inner(inner)) for inner in found.repositories]


def _inner(inner: Repository) -> Line:
    line = [say(inner.path)]
    if inner.status == "absent":
        return [*line, say(" never initialised", "dim")]
    line.append(say(f" {inner.head[:7] if inner.head else 'no commit yet'}"))
    if inner.recorded_head and inner.recorded_head != inner.head:
        line.append(say(f", not {inner.recorded_head[:7]} as the project says"))
    if inner.dirty:
        line.append(say(", changed"))
    return [*line, say(f", {inner.reason}", "dim")] if inner.reason else line


def _listed(spans: Line) -> Line:
    line: Line = []
    for span in spans:
        line += [*([say(", ", "dim")] if line else []), span]
    return line


def params(found: list[Param], width: int, noun: str = "param") -> list[Line]:
    """Settings, or facts, by where they came from; those parsed from the command are a reading, so dimmer."""
    sources: dict[str, list[Param]] = {}
    for param in found[:PARAMS]:
        sources.setdefault(param.source, []).append(param)
    lines: list[Line] = []
    for source, group in sources.items():
        tone = "dim" if source == "argv" else ""
        aside = [say("from the command" if source == "argv" else source, "dim")]
        room = width - max(12, sum(len(span.text) for span in aside) + 3) if width >= 60 else width
        items = [
            [say(f"{param.name} ", "dim"), say(clip(value(param.value), LONG_VALUE), tone)] for param in group
        ]
        lines += beside(flow(items, max(room, 12)), aside, width)
    if len(found) > PARAMS:
        lines.append([say(f"and {count(len(found) - PARAMS, f'more {noun}')}", "dim")])
    return lines


def inputs(found: list[Input], width: int) -> list[Line]:
    """What was read: role, path, size, content."""
    rows = [[[say(item.role, "dim")], _named(item), _weight(item), _content(item)] for item in found[:INPUTS]]
    lines = table(rows, width, 1, frozenset((2,))) if rows else []
    if len(found) > INPUTS:
        lines.append([say(f"and {count(len(found) - INPUTS, 'more input')}", "dim")])
    return lines


def _named(item: Input) -> Line:
    return [say(item.path if item.path is not None and item.kind != "glob" else item.declared)]


def _weight(item: Input) -> Line:
    return [say(size(item.size) if item.size is not None else "–", "" if item.size is not None else "dim")]


def _content(item: Input) -> Line:
    line: Line = []
    if item.kind in ("tree", "glob") and item.files is not None:
        line.append(say(f"{count(item.files, 'file')}  "))
    if item.digest is not None:
        line.append(say(fingerprint(item.digest), "dim"))
    if item.revision is not None:
        line.append(say(f"revision {item.revision[:16]}", "dim"))
    if item.status == "unverified":
        line += [say("  " if line else ""), say("unverified", "bold")]
    return [*line, say(f": {item.reason}" if line else item.reason)] if item.reason else line


def bundle(found: Bundle, width: int) -> list[Line]:
    """The version of prompts or of a policy, and the files that it is."""
    if found.digest is None:
        unknown = [say("unknown", "bold"), say(f": {found.doubt or 'its content was not read'}")]
        return wrap([say(f"{found.version()}  "), *unknown], width, 2)
    names = [say(member.path, "dim") for member in found.members[:NAMED]]
    more = len(found.members) - len(names)
    weight = f"{count(len(found.members), 'file')}, {size(found.size)}"
    head: list[Line] = [[say(found.version(), "bold"), say(f"  {weight}")], _listed(names)]
    return flow([*head, *([[say(f"and {count(more, 'more file')}", "dim")]] if more else [])], width)


def seed(found: Seed, width: int) -> list[Line]:
    """Whether randomness was controlled."""
    known = [[say(f"{name} ", "dim"), say(clip(known, 40))] for name, known in found.known.items()]
    if found.value is None:
        return flow([[say("not controlled")], *known], width)
    how = {"drawn": "drawn by xt", "inherited": "inherited as XT_SEED"}.get(found.source, "declared")
    return flow([[say(str(found.value)), say(f" {how}, handed on as XT_SEED", "dim")], *known], width)


def environment(found: Environment, width: int) -> list[Line]:
    """Interpreter and packages, then the machine, then what is set for results to repeat."""
    lines = _python(found.python, width) if found.python is not None else []
    if found.container.started_by is not None:
        lines = container(found.container, width)
    elif found.python is None:
        lines = wrap([say(found.python_reason or "no interpreter is known", "dim")], width, 2)
    machine = [*_machine(found.machine), _gpus(found.gpus), *_container(found)]
    if found.container.started_by is not None:
        machine = [[say("on "), *machine[0]], *machine[1:]]
    lines += flow(machine, width)
    settings: list[Line] = [
        [say(f"{name}={setting}")] for name, setting in found.determinism.items() if setting is not None
    ]
    locks: list[Line] = [[say(lock.path), say(f" {fingerprint(lock.digest)}", "dim")] for lock in found.locks]
    variables = f"{count(len(found.variables), 'variable')} recorded, {len(found.hidden)} by name only"
    return lines + flow([*locks, *settings, [say(variables, "dim")]], width)


def _python(found: Python, width: int) -> list[Line]:
    name = IMPLEMENTATIONS.get(found.implementation or "", found.implementation or "Python")
    line = [say(f"{name} {found.version or 'of unknown version'}")]
    line.append(say(f", {count(len(found.packages), 'package')}"))
    versions = {package.name: package.version for package in found.packages}
    notable = [f"{name} {versions[name]}" for name in NOTABLE if name in versions][:NAMED]
    if notable:
        line.append(say(f" ({', '.join(notable)})"))
    editable = [package.name for package in found.packages if package.editable is not None]
    where: Line = [say(found.executable, "dim"), say(f" by {found.found_by}", "dim")]
    items: list[Line] = [line]
    if editable:
        items.append([say(f"editable: {', '.join(editable[:NAMED])}{' …' if len(editable) > NAMED else ''}")])
    return flow([*items, where], width)


def _machine(machine: Machine) -> list[Line]:
    system = f"{machine.system} {machine.kernel.partition('-')[0]}"
    if machine.libc:
        system += f", {machine.libc}"
    cpu = (
        (machine.cpu or machine.architecture).replace("(R)", "").replace("(TM)", "").replace(" Processor", "")
    )
    if machine.cpus is not None:
        cpu += f" ×{machine.cpus}"
        if machine.usable_cpus is not None and machine.usable_cpus != machine.cpus:
            cpu += f", {machine.usable_cpus} usable"
    if machine.memory_bytes is not None:
        cpu += f", {size(machine.memory_bytes)}"
    distribution: list[Line] = [[say(machine.distribution)]] if machine.distribution else []
    return [*distribution, [say(system)], [say(cpu)]]


def _gpus(gpus: Gpus) -> Line:
    if gpus.status == "none":
        return [say("no GPU found", "dim")]
    if gpus.status == "unknown":
        return [say("GPUs unknown", "dim")]
    kinds: dict[tuple[str, int | None], int] = {}
    for device in gpus.devices:
        kinds[device.name, device.memory_bytes] = kinds.get((device.name, device.memory_bytes), 0) + 1
    names = [
        name + (f" ×{number}" if number > 1 else "") + (f", {size(memory)}" if memory is not None else "")
        for (name, memory), number in kinds.items()
    ]
    line = [say(" + ".join(names))]
    driver = [f"driver {gpus.driver}"] if gpus.driver else []
    cuda = [f"CUDA {gpus.cuda}"] if gpus.cuda else []
    return [*line, say(f" ({', '.join([*driver, *cuda])})", "dim")] if driver or cuda else line


def _container(found: Environment) -> list[Line]:
    inside = found.container
    if not inside.inside or inside.started_by is not None:
        return []
    return [
        [
            say(f"in {inside.engine or 'a container'}"),
            say(f" {inside.image}" if inside.image else ", image unknown"),
            *labels(inside),
        ]
    ]
