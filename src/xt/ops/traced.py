"""Things that content hangs together by: files, runs and deployments, and the links between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from xt.model.bundle import BUNDLED
from xt.model.event import Deployed
from xt.model.files import Entry
from xt.model.lineage import Link, TracedDeployment, TracedFile
from xt.model.production import VERSION
from xt.model.standing import Standing
from xt.model.text import Text, from_text, to_text
from xt.ops.lineage import Run, Thing, Use, Uses, joining


class Things:
    """Files, runs and deployments that were met, and what each is linked with."""

    def __init__(self, uses: Uses, said: Standing) -> None:
        """Begin with none.

        Args:
            uses: which runs made and read what.
            said: what was deployed.
        """
        self.uses, self.said = uses, said
        self.runs: dict[str, Run] = {}
        self.files: dict[str, TracedFile] = {}
        self.names: dict[str, dict[Text, None]] = {}
        """Where each content lay."""
        self.events: dict[str, TracedDeployment] = {}
        self.members: dict[str, tuple[Entry, ...]] = {}
        """Files of a folder on disk."""

    def file(
        self,
        key: str,
        kind: Literal["file", "tree"],
        path: Text | None,
        size: int | None = None,
        files: int | None = None,
    ) -> None:
        """Put in a content; a further name of one that is there is noted."""
        if path is not None:
            self.names.setdefault(key, {}).setdefault(path)
        if key in self.files:
            return
        makers = [use.run for use in self.uses.made(key) if not use.part or kind == "file"]
        source = not makers and not any(True for _ in self._parts(key))
        self.files[key] = TracedFile(
            key,
            kind,
            key,
            [path] if path is not None else [],
            size,
            files,
            source,
            list(dict.fromkeys(makers)),
        )

    def _thing(self, run: Run, item: Thing) -> str:
        if item.digest is not None:
            kind: Literal["file", "tree"] = "tree" if item.kind in ("tree", "glob") else "file"
            self.file(item.digest, kind, item.path, item.size, item.files)
            return item.digest
        key = f"{run.id}/{item.role}:{from_text(item.path)}".encode("utf-8", "backslashreplace").decode()
        reason = item.reason or "no reason is recorded"
        self.files[key] = TracedFile(key, "unknown", None, [item.path], reason=reason)
        return key

    def read(self, run: Run, item: Thing) -> Link:
        """From an input to its run."""
        return Link("read", self._thing(run, item), run.id, item.role, item.path)

    def made(self, run: Run, item: Thing) -> Link:
        """From a run to its output."""
        return Link("made", run.id, self._thing(run, item), item.role, item.path)

    def makers(self, key: str, reader: Run | None) -> list[Link]:
        """Who made a content: all of it, or else its files."""
        file = self.files[key]
        if file.digest is None:
            return []
        uses = [use for use in self.uses.made(key) if not use.part or file.kind == "file"]
        if uses:
            chosen = self._answering(uses, reader)
            others = [use.run for use in uses if use.run != chosen.run]
            order = list(dict.fromkeys([chosen.run, *others]))
            self.files[key] = msgspec.structs.replace(file, makers=order)
            self.names.setdefault(key, {}).setdefault(chosen.path)
            return [Link("made", chosen.run, key, chosen.role, chosen.path)]
        common: dict[str, tuple[Use, set[str]]] = {}
        for digest in self._parts(key):
            use = self._answering(self.uses.made(digest), reader)
            common.setdefault(use.run, (use, set()))[1].add(digest)
        return [
            Link("made", run, key, use.role, use.path, len(digests))
            for run, (use, digests) in sorted(common.items(), key=lambda item: (-len(item[1][1]), item[0]))
        ]

    def _answering(self, uses: list[Use], reader: Run | None) -> Use:
        """Of several runs that made a content, the one that a reader most likely has it from.

        A run that started after the reader made the same again; else the newest that ended well.
        """
        if reader is None:
            return uses[0]
        before = [
            use for use in uses if use.run != reader.id and self.uses.started(use.run) < reader.started_at
        ]
        return next(iter(before), uses[0])

    def _entries(self, key: str) -> Iterable[Entry]:
        return self.members.get(key) or self.uses.members(key)

    def _parts(self, key: str) -> dict[str, Entry]:
        """Files of a tree that some run made."""
        return {digest: entry for digest, entry in joining(self._entries(key)) if self.uses.made(digest)}

    def readers(self, key: str) -> list[Link]:
        """Who read a content, or files of a folder."""
        if self.files[key].digest is None:
            return []
        found: dict[tuple[str, str], Link] = {}
        for use in self.uses.used(key):
            self.names.setdefault(key, {}).setdefault(use.path)
            found[use.run, use.role] = Link("read", key, use.run, use.role, use.path)
        common: dict[tuple[str, str], tuple[Use, set[str]]] = {}
        for digest, _ in joining(self._entries(key)):
            for use in self.uses.used(digest):
                if (use.run, use.role) not in found:
                    common.setdefault((use.run, use.role), (use, set()))[1].add(digest)
        for place, (use, digests) in common.items():
            found[place] = Link("read", key, use.run, use.role, use.path, len(digests))
        return list(found.values())

    def deployment(self, event: Deployed) -> None:
        """Put in a deployment."""
        # In the order in which they went live: one can be recorded later than those that came after it.
        every = self.said.places[event.to].deployments
        after = every.index(event) + 1
        until = every[after].live_from if after < len(every) else None
        self.events[event.id] = TracedDeployment(
            event.id, event.to, event.live_from, event.by, until, event.reason
        )

    def shipped(self, key: str) -> list[Link]:
        """What went live with a deployment."""
        event = next(
            event for place in self.said.places.values() for event in place.deployments if event.id == key
        )
        links = []
        for role, path, digest in _parts_of(event):
            self.file(digest, "tree" if self.uses.members(digest) else "file", path)
            if role in BUNDLED:
                self.files[digest] = msgspec.structs.replace(self.files[digest], source=False)
            links.append(Link("deployed", digest, key, role, path))
        return links

    def deployed(self, key: str) -> list[Link]:
        """Deployments of a content."""
        found = []
        for place in self.said.places.values():
            for event in place.deployments:
                for role, path, digest in _parts_of(event):
                    if digest == key:
                        self.deployment(event)
                        found.append(Link("deployed", key, event.id, role, path))
        return found


def _parts_of(event: Deployed) -> list[tuple[str, Text, str]]:
    """Role, path and digest of everything that went live with a deployment."""
    parts = [("artifact", event.path or event.output, event.digest)]
    for role, digest in (("prompts", event.prompts), ("policy", event.policy)):
        if digest is not None:
            # The digest of a version of all of them, which no file has.
            parts.append((role, to_text(f"{role}@{digest.partition(':')[2][:VERSION]}"), digest))
    return parts + [("config", to_text(path), digest) for path, digest in event.config.items()]
