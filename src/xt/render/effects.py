"""The page of a run, second half: what came out of it, and what it cost."""

from __future__ import annotations

from xt.model.files import Output
from xt.model.result import Derived, Logs, Metric, Rank, Result, Stream, Usage
from xt.model.snapshot import OutputSpec
from xt.model.summary import headline
from xt.render.layout import beside, flow, grid, table
from xt.render.outcome import ended_with
from xt.render.quantities import count, duration, fingerprint, number, size
from xt.render.styled import Line, join, measure, say

#: Shown of each list; `--json` has all.
OUTPUTS, METRICS = 40, 120


#: Ranks that did not end well, shown one by one.
BAD_RANKS = 8


def outputs(found: list[Output], width: int) -> list[Line]:
    """What was written: role, path, size, content; or that it was not."""
    rows = []
    for item in found[:OUTPUTS]:
        known = item.size is not None
        weight = say(size(item.size or 0) if known else "–", "" if known else "dim")
        name = item.path if item.path is not None and item.kind != "glob" else item.declared
        path = [say(name)]
        if item.target is not None:
            path += [say(" → ", "dim"), say(item.target)]
        rows.append([[say(item.role, "dim")], path, [weight], _content(item)])
    lines = table(rows, width, 1, frozenset((2,))) if rows else []
    if len(found) > OUTPUTS:
        lines.append([say(f"and {count(len(found) - OUTPUTS, 'more output')}", "dim")])
    return lines


def _content(item: Output) -> Line:
    line: Line = []
    if item.status != "stored":
        words = {"missing": "missing", "partial": "stored in part"}.get(item.status, "not stored")
        line.append(say(words, "bad"))
    elif item.kind in ("tree", "glob") and item.files is not None:
        line.append(say(f"{count(item.files, 'file')}  "))
    if item.digest is not None:
        line.append(say(fingerprint(item.digest), "dim"))
    return [*line, say(f": {item.reason}" if line else item.reason)] if item.reason else line


def derived(found: list[Derived], width: int) -> list[Line]:
    """What was made of files of other tools."""
    rows = [
        [
            [say(item.format, "dim")],
            [say(item.source)],
            [say(count(item.rows, "row"))],
            [say(size(item.size))],
        ]
        for item in found[:OUTPUTS]
    ]
    return table(rows, width, 1, frozenset((2, 3))) if rows else []


def declared(found: list[OutputSpec], width: int) -> list[Line]:
    """What a run without a record said it would write."""
    items: list[Line] = [[say(f"{item.role} ", "dim"), say(item.path)] for item in found]
    return flow([*items, [say("not stored yet", "dim")]], width)


def metrics(found: list[Metric], width: int) -> list[Line]:
    """Numbers that came out, those with a goal first: in a line if they fit, else in columns."""
    ordered = [*headline(found), *(metric for metric in found if metric.labels)]
    pairs = [(metric_name(metric), metric_value(metric)) for metric in ordered[:METRICS]]
    if not pairs:
        return []
    line = join([join([name, figure], " ") for name, figure in pairs], "   ")
    if measure(line) <= width:
        return [line]
    lines = grid(pairs, width)
    if len(found) > METRICS:
        lines.append([say(f"and {count(len(found) - METRICS, 'more metric')}", "dim")])
    return lines


def metric_name(metric: Metric) -> Line:
    """Its name, and its cohort."""
    line = [say(metric.name)]
    if metric.labels:
        labels = ",".join(f"{name}={label}" for name, label in metric.labels.items())
        line.append(say(f"{{{labels}}}", "dim"))
    return line


def metric_value(metric: Metric) -> Line:
    """Its value and unit, and of how many."""
    line = [say(number(metric.value), "bold")]
    if metric.unit:
        line.append(say(f" {metric.unit}"))
    if metric.count > 1:
        line.append(say(f" last of {metric.count}", "dim"))
    return line


def cost(usage: Usage, width: int) -> list[Line]:
    """Time, memory, input and output, accelerators: what is known of them."""
    items = [_figure(duration(usage.wall_s), "wall")]
    if usage.stopped_s >= 0.05:
        items.append(_figure(duration(usage.stopped_s), "stopped besides"))
    if usage.user_s is not None and usage.system_s is not None:
        items.append(_figure(duration(usage.user_s + usage.system_s), "CPU"))
    for known, what in (
        (usage.peak_memory_bytes, "peak"),
        (usage.read_bytes, "read"),
        (usage.written_bytes, "written"),
        (usage.gpu_memory_bytes, "GPU memory"),
    ):
        if known is not None:
            items.append(_figure(size(known), what))
    if usage.gpu_utilisation is not None:
        items.append(_figure(f"{usage.gpu_utilisation * 100:.0f} %", "GPU busy"))
    if usage.gpu_energy_j is not None:
        items.append(_figure(_energy(usage.gpu_energy_j), "GPU energy"))
    return flow(items, width)


def ranks(found: list[Rank], launch: str | None, short: str, width: int) -> list[Line]:
    """How many processes a run had, and which of them did not end well."""
    if not found:
        return []
    hosts = len({rank.host for rank in found if rank.host is not None})
    bad = [rank for rank in found if rank.state != "ended" or rank.exit_code != 0]
    spread = f" on {hosts} hosts" if hosts > 1 else ""
    lines = [[say(f"{len(found)}"), say(f" of {launch}{spread}", "dim")]]
    for rank in bad[:BAD_RANKS]:
        if rank.state == "ended":
            where = f" on {rank.host}" if hosts > 1 else ""
            line = [say(f"{rank.rank} {ended_with(rank.exit_code, rank.signal)}", "bad"), say(where, "dim")]
        else:
            line = [say(f"{rank.rank} {rank.state}", "bad"), say(f": {rank.reason}")]
        lines.append(line)
    if len(bad) > BAD_RANKS:
        lines.append([say(f"and {len(bad) - BAD_RANKS} more that did not end well", "dim")])
    return beside(lines, [say(f"xt logs {short} --rank 1", "accent")], width)


def _figure(text: str, what: str) -> Line:
    return [say(text), say(f" {what}", "dim")]


def _energy(joules: float) -> str:
    if joules < 1000:
        return f"{joules:.0f} J"
    return f"{joules / 1000:.3g} kJ" if joules < 3_600_000 else f"{joules / 3_600_000:.3g} kWh"


def logs(found: Logs, short: str, width: int) -> list[Line]:
    """How much was written to each stream, and what was done to it."""
    items = [_stream(stream) for stream in found.streams]
    if found.open_at_end:
        items.append(
            [say("a process kept a stream open after the end; what it wrote later is not here", "bold")]
        )
    aside = [say(f"xt logs {short}", "accent")] if any(stream.stored for stream in found.streams) else []
    return beside(flow(items, width), aside, width)


def _stream(stream: Stream) -> Line:
    line = [say(f"{stream.name} ", "dim"), say(size(stream.size))]
    if stream.via == "inherited":
        line.append(say(f" not captured: {stream.reason or 'no reason is known'}"))
        return line
    line.append(say(f" ({stream.via})", "dim"))
    if stream.masked:
        line.append(say(f", {count(stream.masked, 'secret')} masked", "bold"))
        if stream.recognised:
            line.append(say(f" ({_kinds(stream.recognised)} recognised)"))
    if stream.unsearched:
        line.append(say(f", {size(stream.unsearched)} not searched for tokens"))
    if stream.cut_at is not None:
        line.append(say(f", cut at {size(stream.cut_at)}", "bold"))
    return [*line, say(f", {stream.reason}")] if stream.reason else line


def _kinds(found: dict[str, int]) -> str:
    return ", ".join(f"{number}× {kind}" if number > 1 else kind for kind, number in sorted(found.items()))


def unexpected(result: Result) -> list[str]:
    """What the end of a run adds to its outcome in words."""
    words = []
    if result.core_dumped:
        words.append("core dumped")
    if result.status == "incomplete":
        words.append("an output is missing")
    return words
