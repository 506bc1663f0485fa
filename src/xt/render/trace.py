"""`xt trace` as two trees: what a thing came from, and what came of it."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from xt.model.lineage import Link, Trace, TracedDeployment, TracedFile, TracedRun
from xt.model.text import Text, from_text
from xt.render.layout import wrap
from xt.render.quantities import count, fingerprint, moment, seconds_since, since, size
from xt.render.styled import Line, Span, paint, say

#: As `xt show`.
WIDEST, NARROWEST = 110, 24
#: Branches of one thing that are shown; the others are counted.
BRANCHES = 8
#: Cells that a line keeps for its text, however deep it is.
ROOM = 18
#: Words of a command that stand for a purpose.
_WORDS = 60


def render(found: Trace, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: what is known.
        now: to say how long ago.
        width: of the terminal; every line fits from 24 columns on, unless a tree is very deep.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    page = _Page(found, now, width)
    lines = page.headline()
    if found.direction != "down":
        lines += page.section("Made by" if page.is_file else "Came from", up=True)
    if found.direction != "up":
        lines += page.section("Used by" if page.is_file else "What came of it", up=False)
    if not found.known:
        lines += [[], *wrap([say("no recorded run made or read this content", "bold")], width, 2)]
    for note in found.notes:
        lines += [[], *wrap([say(f"note: {note}", "dim")], width, 2)]
    if found.doubts:
        more = len(found.doubts) - 3
        said = "; ".join(found.doubts[:3]) + (f"; and {more} more" if more > 0 else "")
        lines += [[], *wrap([say("something may be missing here: ", "bold"), say(said)], width, 2)]
    return "".join(paint(line, colour) + "\n" for line in lines)


class _Page:
    """One page: what was shown already is shown no more."""

    def __init__(self, found: Trace, now: datetime, width: int) -> None:
        self.found, self.now, self.width = found, now, width
        self.runs = {run.id: run for run in found.runs}
        self.files = {file.key: file for file in found.files}
        self.events = {event.event: event for event in found.deployments}
        self.into: dict[str, list[Link]] = {}
        self.out_of: dict[str, list[Link]] = {}
        for link in found.links:
            self.into.setdefault(link.target, []).append(link)
            self.out_of.setdefault(link.source, []).append(link)
        self.is_file = found.start in self.files
        self.parents: dict[str, str] = {}

    def headline(self) -> list[Line]:
        """Say what was asked for."""
        key = self.found.start
        if key in self.runs:
            return wrap(self._run(self.runs[key]), self.width, 2)
        if key in self.events:
            return wrap(self._event(self.events[key]), self.width, 2)
        file = self.files.get(key)
        if file is None:
            return wrap([say(self.found.asked, "bold")], self.width, 2)
        # By a digest it was asked for without a name; it is called as it was recorded.
        name = file.paths[0] if file.paths else self.found.asked
        return wrap([say(name, "bold"), Span("  ", ""), *self._facts(file, whole=True)], self.width, 2)

    def section(self, title: str, *, up: bool) -> list[Line]:
        """Write one tree. Its branches are those by which each thing is nearest to what was asked for."""
        start = self.found.start
        if not self._next(start, up) and start not in self.found.cut:
            file = self.files.get(start)
            if up and file is not None and file.source and self.found.known:
                return [[], *wrap([say("not made by any recorded run")], self.width, 2)]
            if not up and self.found.known and start not in self.events:
                return [[], *wrap([say("nothing recorded came of it")], self.width, 2)]
            return []
        self.parents = self._nearest(start, up)
        lines: list[Line] = [[], [say(title, "bold")]]
        # Not by recursion: a chain of runs is as long as somebody's patience.
        waiting: list[tuple[Link | int, str, str, bool]] = self._branches(start, "", up)[::-1]
        while waiting:
            link, parent, prefix, last = waiting.pop()
            if isinstance(link, int):
                lines += self._hung(prefix, "└─ ", [say(self._more(parent, link, up), "dim")])
                continue
            key = link.source if up else link.target
            here = self.parents.get(key) == parent
            below = [] if not here else self._branches(key, prefix + ("   " if last else "│  "), up)
            line = self._branch(link, up)
            if up and link.kind != "made" and here:
                # One maker stands beside what it made: a step of the lineage is a level of the tree.
                makers = self._next(key, up)
                if len(makers) == 1 and not makers[0].common and key not in self.found.cut:
                    run = self.runs.get(makers[0].source)
                    if run is not None:
                        line += [Span("  ", ""), say("by ", "dim"), *self._run(run)]
                        line += self._others(self.files[key])
                        below = []
                        if self.parents.get(run.id) == key:
                            below = self._branches(run.id, prefix + ("   " if last else "│  "), up)
                        elif self._next(run.id, up):
                            line += [Span(" ", ""), say("(above)", "dim")]
            elif not here and (self._next(key, up) or key in self.found.cut):
                line += [Span(" ", ""), say("(above)", "dim")]
            lines += self._hung(prefix, "└─ " if last else "├─ ", line)
            waiting += below[::-1]
        return lines

    # --- the tree ----------------------------------------------------------------------------------

    def _next(self, key: str, up: bool) -> list[Link]:
        links = self.into.get(key, []) if up else self.out_of.get(key, [])
        if key in self.runs:
            # What a run has in common with the folder that was asked for belongs to the other tree.
            return [link for link in links if link.kind == ("read" if up else "made") and not link.common]
        return links

    def _nearest(self, start: str, up: bool) -> dict[str, str]:
        """Of each thing, the one it is shown below; what was asked for is below nothing."""
        found = {start: ""}
        waiting = deque([start])
        while waiting:
            key = waiting.popleft()
            for link in self._next(key, up):
                other = link.source if up else link.target
                if other not in found:
                    found[other] = key
                    waiting.append(other)
        return found

    def _branches(self, key: str, prefix: str, up: bool) -> list[tuple[Link | int, str, str, bool]]:
        links = self._next(key, up)
        more = self.found.cut.get(key, 0) + max(len(links) - BRANCHES, 0)
        shown = links[:BRANCHES]
        found: list[tuple[Link | int, str, str, bool]] = [
            (link, key, prefix, at == len(shown) - 1 and not more) for at, link in enumerate(shown)
        ]
        return [*found, (more, key, prefix, True)] if more else found

    def _more(self, key: str, number: int, up: bool) -> str:
        what = "more run" if key in self.files else "more file"
        links = self._next(key, up)
        deeper = not links and key in self.found.cut
        return f"{count(number, what)}: not followed further" if deeper else f"and {count(number, what)}"

    def _hung(self, prefix: str, mark: str, line: Line) -> list[Line]:
        most = max(self.width - ROOM - len(mark), 0)
        # Deeper than there is room for, the tree goes on at the same depth.
        prefix = (
            prefix if len(prefix) <= most else "… " + prefix[len(prefix) - most + 2 :] if most > 2 else ""
        )
        under = " " * len(mark) if mark.startswith("└") else "│" + " " * (len(mark) - 1)
        wrapped = wrap(line, max(self.width - len(prefix) - len(mark), ROOM), 2)
        return [[Span(prefix + (under if at else mark), "dim"), *part] for at, part in enumerate(wrapped)]

    # --- words -------------------------------------------------------------------------------------

    def _branch(self, link: Link, up: bool) -> Line:
        """What stands at the end of a link."""
        key = link.source if up else link.target
        if key in self.events:
            return self._event(self.events[key])
        if key in self.runs:
            line = self._run(self.runs[key])
            if link.common:
                what = "made" if link.kind == "made" else "reads"
                return [*line, Span("  ", ""), say(f"{what} {self._common(link)}", "dim")]
            if up:
                return [*line, *self._others(self.files[link.target])]
            return [*line, Span("  ", ""), say(f"as {link.role} ", "dim"), say(link.path, "dim")]
        file = self.files[key]
        line = [say(link.role, "dim"), Span("  ", ""), say(link.path), Span("  ", "")]
        line += self._facts(file)
        if up and file.source:
            line += [Span("  ", ""), say("not made by any recorded run", "dim")]
        return line

    def _common(self, link: Link) -> str:
        tree = self.files.get(link.target if link.kind == "made" else link.source)
        if link.common == 1:
            return f"one file of it: {_text(link.path)}"
        of = f" of {tree.files}" if tree is not None and tree.files else ""
        return f"{link.common}{of} files of it"

    def _others(self, file: TracedFile) -> Line:
        others = len(file.makers) - 1
        if others < 1:
            return []
        return [Span("  ", ""), say(f"({count(others, 'other run')} made the same)", "dim")]

    def _run(self, run: TracedRun) -> Line:
        head, tail = run.id[: run.shown], ""
        words = " ".join(_text(word) for word in run.command)
        words = words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"
        line: Line = [say(head, "key"), Span(tail, "dim"), Span(" ", "")]
        known = run.purpose or run.name or run.task or words
        line.append(say(known) if known else say("its record cannot be read"))
        ago = seconds_since(run.started_at, self.now)
        when = since(ago) if ago is not None else run.started_at
        good = "" if run.status == "ok" else "bad"
        line += [say(", ", "dim"), say(run.status, good or "dim"), say(f", {when}", "dim")]
        if run.trial:
            line.append(say(", by xt verify", "dim"))
        return line

    def _facts(self, file: TracedFile, *, whole: bool = False) -> Line:
        if file.digest is None:
            return [say(f"not known: {file.reason}", "bad")]
        parts = []
        if file.kind == "tree" and file.files is not None:
            parts.append(count(file.files, "file"))
        if whole and file.size is not None:
            parts.append(size(file.size))
        parts.append(fingerprint(file.digest))
        return [say(" · ".join(parts), "dim")]

    def _event(self, event: TracedDeployment) -> Line:
        line: Line = []
        if event.until is None:
            line += [say("live in "), say(event.to, "bold"), say(f" since {moment(event.at, self.now)}")]
        else:
            line += [say("was live in "), say(event.to, "bold")]
            line.append(say(f" from {moment(event.at, self.now)} to {moment(event.until, self.now)}"))
        if event.by:
            line.append(say(f", by {event.by}", "dim"))
        if event.reason:
            line.append(say(f": {event.reason}", "dim"))
        return line


def _text(text: Text) -> str:
    return from_text(text)
