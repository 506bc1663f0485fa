"""Files of a run as artefacts of an MLflow server that hands them on to where it keeps them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from xt.errors import DamagedError, NotRecordedError
from xt.exchange import Content
from xt.exchange.discreet import Discreet
from xt.exchange.rest import Body, RefusedError, Server
from xt.model.exported import Gap
from xt.model.text import to_text

_PUT = "/api/2.0/mlflow-artifacts/artifacts/"
_LIST = "/api/2.0/mlflow/artifacts/list"
#: Statuses with which a server refuses one file, for its name or its size.
_OF_ONE = frozenset({400, 404, 413, 414})


class Files:
    """The artefacts of one run."""

    def __init__(self, server: Server, run_id: str, root: str, told: Discreet, run: str) -> None:
        """Look at nothing yet.

        Args:
            server: that has the run.
            run_id: as the server names it.
            root: where the server says that the artefacts of the run are.
            told: what may be said of paths.
            run: as xt names it.
        """
        self._server = server
        self._run_id = run_id
        self._told = told
        self._run = run
        self._taken: dict[str, str | None] = {}
        """Path there → digest of what was put there."""
        self._there: dict[str, dict[str, int | None]] = {}
        """Folder there → names in it, with sizes."""
        self._root = _below(root)
        self._elsewhere = urlsplit(root).scheme or "its own disk"
        self.gaps: list[Gap] = []
        self.count = 0
        self.size = 0
        self.unfinished = False
        """Whether something is not there that may be at another time."""

    def put(self, content: Content) -> None:
        """Carry a file; what cannot be is a gap."""
        if content.form == "folder" and content.reason is None:
            return
        if content.form != "file":
            self._gap(content, content.reason or f"a {content.form}, which is no artefact", lost=content.lost)
            return
        opened = content.open
        pieces = opened() if opened is not None else None
        if opened is None or pieces is None:
            self._gap(content, content.reason or "its content is not stored", lost=content.lost)
            return
        try:
            size = content.size if content.size is not None else sum(len(piece) for piece in pieces)
            body = Body(size, lambda: opened() or ())
            reason = self._send(self._told.place(content.path), content.digest, body)
        except RefusedError as error:
            if error.status not in _OF_ONE:
                raise
            reason = error.message
        except (NotRecordedError, DamagedError) as error:
            self._gap(content, error.message, lost=True)
            return
        if reason is not None:
            self._gap(content, reason, lost=False)

    def put_bytes(self, place: str, data: bytes) -> None:
        """Carry something that is no file of the run."""
        if self._root is not None:
            self._send(place, None, Body(len(data), lambda: [data]))

    def _send(self, place: str, digest: str | None, body: Body) -> str | None:
        """Put a file; say why it is not there."""
        if self._root is None:
            self.unfinished = True
            return f"the server keeps artefacts at `{self._elsewhere}`, which only its own client reaches"
        if unquote(place) != place:
            return "the server would take the `%` in its name for an escape, and name it otherwise"
        if place in self._taken:
            same = digest is not None and self._taken[place] == digest
            return None if same else f"there is another file at `{place}`"
        self._taken[place] = digest
        folder, _, name = place.rpartition("/")
        if self._listed(folder).get(name) != body.size:
            self._server.send(_PUT + quote(f"{self._root}/{place}"), body)
        self.count += 1
        self.size += body.size
        return None

    def _listed(self, folder: str) -> dict[str, int | None]:
        """What is there already, from an export that did not come to its end."""
        if folder not in self._there:
            query = f"?run_id={quote(self._run_id, safe='')}" + (
                f"&path={quote(folder, safe='')}" if folder else ""
            )
            answer = self._server.ask("GET", _LIST + query)
            files: Any = answer.get("files", []) if isinstance(answer, dict) else []
            self._there[folder] = {
                str(one.get("path")).rpartition("/")[2]: one.get("file_size")
                for one in (files if isinstance(files, list) else [])
                if isinstance(one, dict) and not one.get("is_dir")
            }
        return self._there[folder]

    def _gap(self, content: Content, reason: str, *, lost: bool) -> None:
        self.unfinished |= lost
        self.gaps.append(Gap(self._run, content.source, to_text(content.path), reason, lost))


def _below(root: str) -> str | None:
    """The part of an address of artefacts that the server itself serves; None when they are elsewhere."""
    try:
        parts = urlsplit(root)
    except ValueError:
        return None
    if parts.scheme != "mlflow-artifacts":
        return None
    path = parts.path.strip("/")
    return path if ".." not in path.split("/") else None
