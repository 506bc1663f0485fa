"""The files of a run in a crate, and the entities that describe them."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from xt.errors import NotRecordedError, XtError
from xt.exchange import Content, Exported
from xt.exchange.discreet import Discreet
from xt.exchange.payload import Payload
from xt.model.exported import Gap
from xt.model.files import Input, Output
from xt.model.restored import Source
from xt.model.text import from_text, to_text

#: An object of JSON-LD, or a reference to one.
Entity = dict[str, Any]
#: Types by suffix as Python knows them, whatever the machine has in its files.
_TYPES = mimetypes.MimeTypes()
#: Characters that have a meaning in a URI, or an escape.
_OF_URIS = ":/?#[]@!$&'()*+,;=%"
#: Paths that a description names one by one.
_NAMED = 20


def quoted(text: str) -> str:
    """A text as a part of an identifier of JSON-LD."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="/")


def references(identifiers: list[str]) -> Any:
    """References to entities, each once: of one alone itself, as RO-Crate wants it."""
    found = [{"@id": identifier} for identifier in dict.fromkeys(identifiers)]
    return found[0] if len(found) == 1 else found


class CrateFiles:
    """What is carried of a run, and what is not."""

    def __init__(
        self, subject: Exported, payload: Payload, told: Discreet, sources: tuple[Source, ...]
    ) -> None:
        """Carry nothing yet.

        Args:
            subject: the run.
            payload: where files go.
            told: what may be said.
            sources: sorts of files to carry.
        """
        self._subject = subject
        self._payload = payload
        self._told = told
        self._sources = sources
        self.entities: dict[str, Entity] = {}
        """By identifier: files, folders, and what stands for what is not carried."""
        self.top: list[str] = []
        """Identifiers of what the root has as parts."""
        self.gaps: list[Gap] = []
        self.count = 0
        self.size = 0
        self._digests: dict[str, str | None] = {}
        """Name in the crate → digest of what is there."""

    def shown(self, item: Input | Output) -> str:
        """A recorded path, for reading."""
        return self._told.path(from_text(item.declared if item.path is None else item.path))

    def of_item(self, item: Input | Output, source: Source) -> Entity:
        """Carry an input or output; give the entity for it, or for its absence."""
        what = f"{'input' if source == 'inputs' else 'output'} of role {item.role}"
        if source not in self._sources:
            return self._stand_in(item, source, f"{what}; not carried: it was not asked for")
        wanted = item.kind in ("file", "link", "uri")
        held = list(self._subject.contents(item)) if wanted else self._subject.contents(item)
        carried, absent = self._carry(held)
        if not carried:
            reasons = "; ".join(dict.fromkeys(reason for _, reason in absent)) or "it is empty"
            return self._stand_in(item, source, f"{what}; not carried: {reasons}")
        if wanted:
            entity = self.entities[carried[0]]
        else:
            base = from_text(item.path) if item.path is not None else "."
            try:
                entity = self._dataset(self._name(source, base), carried)
            except XtError as error:  # another file has its place
                self.gaps.append(Gap(self._subject.record.id, source, to_text(base), error.message))
                return self._stand_in(item, source, f"{what}; not carried as a folder: {error.message}")
        entity["name"] = self.shown(item)
        entity["description"] = what + _without(absent)
        if item.digest is not None:
            entity["identifier"] = item.digest
        self._put_on_top(entity["@id"])
        return entity

    def missing(self, item: Output) -> str:
        """Say that an output was not written; give its path."""
        reason = self._told.text(item.reason or "it was not written")
        self.gaps.append(Gap(self._subject.record.id, "outputs", item.declared, reason))
        return self.shown(item)

    def code(self) -> Entity | None:
        """Carry the code snapshot; None where there is none, or it is not wanted."""
        code = self._subject.record.snapshot.code
        if "code" not in self._sources:
            return None
        # What is an output or input is not code, and was looked at as such.
        elsewhere = {from_text(item.path) for item in self._items() if item.path is not None}
        own = (one for one in self._subject.code() if not (one.reason and _among(one.path, elsewhere)))
        carried, absent = self._carry(own, described=False)
        if not carried:
            return None
        entity = self._dataset("code", [])
        entity["@type"] = ["Dataset", "SoftwareSourceCode"]
        entity["name"] = "code as it ran"
        dirty = " with changes that are not committed" if code.dirty else ""
        commit = f"commit {code.head}{dirty}" if code.head else "not committed anywhere"
        entity["description"] = f"The code as it ran: {commit}{_without(absent)}"
        entity["version"] = f"{code.head or code.tree}{'-dirty' if code.head and code.dirty else ''}"
        if code.tree is not None:
            entity["identifier"] = f"git:{code.tree}"
        if code.remote is not None:
            entity["codeRepository"] = self._told.text(from_text(code.remote))
        self._put_on_top(entity["@id"])
        return entity

    def logs(self) -> list[Entity]:
        """Carry what it wrote, if that is wanted."""
        if "logs" not in self._sources:
            return []
        carried, _ = self._carry(self._subject.logs())
        for name in carried:
            self.entities[name]["encodingFormat"] = "text/plain"
            self._put_on_top(name)
        return [self.entities[name] for name in carried]

    def _items(self) -> list[Input | Output]:
        record = self._subject.record
        return [*record.snapshot.inputs, *record.result.outputs]

    def _carry(
        self, contents: Iterator[Content] | list[Content], *, described: bool = True
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """Copy what is to be had.

        Returns:
            Identifiers of what is in the crate, and of the rest path and reason.
        """
        carried: list[str] = []
        absent: list[tuple[str, str]] = []
        for content in contents:
            name = self._name(content.source, content.path)
            try:
                if content.form == "folder" and content.reason is None:
                    self._payload.folder(name)
                    continue
                if content.form == "link":
                    raise NotCarriedError(f"a link to {self._told.path(content.target or '')}")
                if content.open is None:
                    raise NotRecordedError(content.reason or "its content is not stored")
                if name not in self._digests:
                    self._copy(name, content, described=described)
                elif self._digests[name] != content.digest:
                    raise NotCarriedError("another content has its place")
                carried.append(quoted(name))
            except XtError as error:
                absent.append((self._told.path(content.path), error.message))
                lost = error.code == "damaged" or (content.lost and error.code == "not-recorded")
                self._miss(content, error.message, lost=lost)
        return list(dict.fromkeys(carried)), absent

    def _copy(self, name: str, content: Content, *, described: bool) -> None:
        hexed, size = self._payload.add(name, content)
        self._digests[name] = content.digest
        self.count += 1
        self.size += size
        if described:
            entity: Entity = {
                "@id": quoted(name),
                "@type": "File",
                "name": self._told.path(content.path),
                "contentSize": str(size),
                "sha256": hexed,
            }
            if content.digest is not None:
                entity["identifier"] = content.digest
            kind = _TYPES.guess_type("file" + os.path.splitext(name)[1], strict=False)[0]
            if kind is not None:
                entity["encodingFormat"] = kind
            self.entities[entity["@id"]] = entity

    def _dataset(self, name: str, parts: list[str]) -> Entity:
        self._payload.folder(name)
        identifier = quoted(name).rstrip("/") + "/"
        entity = self.entities.setdefault(identifier, {"@id": identifier, "@type": "Dataset"})
        had = entity.get("hasPart", [])
        before = [one["@id"] for one in ([had] if isinstance(had, dict) else had)]
        if before or parts:
            entity["hasPart"] = references([*before, *parts])
        return entity

    def _stand_in(self, item: Input | Output, source: Source, description: str) -> Entity:
        path = self.shown(item)
        own = f"#{source}/{quoted(self._told.place(path))}"
        identifier = quote(path, safe=_OF_URIS) if item.kind == "uri" else own
        entity: Entity = {
            "@id": identifier,
            "@type": "CreativeWork",
            "name": path,
            "description": description,
        }
        revision = item.revision if isinstance(item, Input) else None
        if item.digest is not None or revision is not None:
            entity["identifier"] = item.digest or revision
        if item.size is not None:
            entity["contentSize"] = str(item.size)
        self.entities[identifier] = entity
        return entity

    def _name(self, source: Source, path: str) -> str:
        place = self._told.place(path)
        return source if place == "." else f"{source}/{place}"

    def _miss(self, content: Content, reason: str, *, lost: bool) -> None:
        run = self._subject.record.id
        self.gaps.append(Gap(run, content.source, to_text(content.path), self._told.text(reason), lost))

    def _put_on_top(self, identifier: str) -> None:
        if identifier not in self.top:
            self.top.append(identifier)


class NotCarriedError(XtError):
    """One content is not put into a crate; the crate says so, with this reason, and the export goes on."""

    code = "not-carried"
    advice = "the run has it; in the crate it is named and not there"


def _among(path: str, roots: set[str]) -> bool:
    """Whether a path is one of these, or below one."""
    while path not in roots:
        path, below, _ = path.rpartition("/")
        if not below:
            return False
    return True


def _without(absent: list[tuple[str, str]]) -> str:
    if not absent:
        return ""
    named = "; ".join(f"{path} ({reason})" for path, reason in absent[:_NAMED])
    more = f"; and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
    return f". Not carried: {named}{more}"
