"""Make a workspace in which a run can be done again: its code, its variables, its environment, its inputs."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import fsio
from xt.collect import Waiting
from xt.collect.checkout import Checkout
from xt.collect.git import GitError
from xt.context import Outside
from xt.errors import UnverifiableError, XtError
from xt.execute.vary import Around
from xt.execute.vary.enter import enter
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.repeat import interpreter, settings, standard_input, surroundings
from xt.ops.repeat.bring import Bringing
from xt.ops.repeat.extras import Extras
from xt.ops.repeat.inputs import Inputs
from xt.ops.repeat.places import Moved, roots, tops, was
from xt.ops.repeat.variables import variables
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.words import Change
from xt.ops.repeat.workspace import Workspace
from xt.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.repeat import contained
    from xt.ops.repeat.contained import Pinned

#: Words that are shown of those that were mapped.
TOLD = 3
#: What to do where code cannot be brought back for want of git.
_NO_GIT = "install git, which brings back the code, or put it on PATH"


class Original(NamedTuple):
    """The run that is repeated."""

    id: str
    snapshot: Snapshot
    started_at: str
    record: Record | None
    host: str


class Ready(NamedTuple):
    """Everything a repeat starts with."""

    words: list[str]
    declared: list[Change]
    """Settings to change that are declared with the run."""
    root: str
    """Of the project, absolute."""
    moved: Moved
    around: Around
    added: dict[str, str]
    adjusted: list[str]
    pinned: Pinned | None = None
    """The image to take."""
    container: contained.Making | None = None
    """Makes the container that xt starts."""


class Making:
    """The making of one workspace."""

    def __init__(
        self, store: Store, wish: Wish, run: Original, place: Workspace, outside: Outside, tell: Waiting
    ) -> None:
        """Prepare.

        Args:
            store: that has the run.
            wish: what is asked.
            run: the run.
            place: an empty one.
            outside: of the caller.
            tell: gets what is being done.
        """
        self.store, self.wish, self.original, self.place = store, wish, run, place
        self.outside, self.tell = outside, tell
        self.was = was(run.snapshot)
        self.tops = [
            os.path.normpath(os.path.join(root, from_text(run.snapshot.code.root or ".")))
            for root in roots(store, run.snapshot, outside)
        ]
        self.adjusted: list[str] = []
        self.pinned: Pinned | None = None
        self.contained = False
        """Whether xt starts a container for it."""
        self.linked: interpreter.Linked | None = None
        self._editable: dict[str, str] = {}
        """The way to packages that are editable, in an environment that was built again."""

    def make(self, words: list[str], elsewhere: list[Change]) -> Ready:
        """Make it, and put this process into its surroundings.

        Args:
            words: argv as recorded, with what the caller changes in it.
            elsewhere: settings to change that are not among the words.

        Raises:
            UnverifiableError, ImpossibleError, NotStartedError: as `verb.rerun`.
        """
        snapshot, top = self.original.snapshot, self.place.top
        if self.wish.environment == "docker" or snapshot.environment.container.started_by == "xt":
            from xt.ops.repeat.contained import pinned

            self.tell("asking for the image")
            self.pinned = pinned(snapshot, self.wish, Moved(self.was.top, top), self.outside.environ)
            self.adjusted += self.pinned.said if self.pinned is not None else []
        self.contained = self.pinned is not None and self.pinned.docker is not None
        self.tell("making the workspace")
        self._code(top)
        if self.wish.environment != "recreate":
            python = snapshot.environment.python
            self.linked, lacking = interpreter.link(python, self.was, top, self.tops)
            self.adjusted += lacking
        # Pinned, the path is the recorded one, at which the workspace is mounted.
        seen = self.was.top if surroundings.PATH in self.wish.pinned else top
        root = os.path.normpath(os.path.join(seen, self.was.below))
        moved = Moved(self.was.top, seen)
        # In a container the recorded PATH leads where it led.
        program = "/" if self.contained else words[0]
        found = variables(snapshot.environment, program, self.outside.environ, moved, self._key())
        self.adjusted += found.adjusted
        words, values = self._environment(self._words(words, moved), found.values, top)
        around, said = surroundings.around(
            self.wish, snapshot, self.original.started_at, values, self.place, self.store.path
        )
        readable = self._inputs(around, top)
        making = self._container(around, root, [*readable, *interpreter.links(top)])
        surroundings.after(around, self.was, self.place, self.store.path)
        declared = settings.write(elsewhere, snapshot.params, root)
        self.adjusted += standard_input.connect(self.store, snapshot.command, self.place.scratch)
        # What was done on purpose comes last, a clause for each.
        self.adjusted += said
        if self.wish.keep:
            self.place.keep()
        added = self._added(around, seen)
        return Ready(
            words, declared, root, moved, around, added, self.adjusted, pinned=self.pinned, container=making
        )

    def _container(self, around: Around, root: str, readable: list[str]) -> contained.Making | None:
        if not self.contained:
            return None
        from xt.ops.repeat.contained import in_workspace, surroundings

        snapshot = self.original.snapshot
        surroundings(around)
        cwd = os.path.normpath(os.path.join(root, from_text(snapshot.command.cwd)))
        umask = around.umask if around.umask is not None else int(snapshot.environment.umask, 8)
        return in_workspace(around, cwd, self.place.top, readable, self.outside.environ, umask)

    def _code(self, top: str) -> None:
        snapshot = self.original.snapshot
        sources = tops(self.store, snapshot, self.outside)
        checkout = Checkout(self.store.path, self.outside.environ, snapshot.code, sources)
        try:
            checkout.write(top)
        except GitError as error:
            message = f"the code cannot be brought back: {error}"
            hint = self._code_hint(error)
            raise UnverifiableError(message, hint) from error
        self.adjusted += checkout.remarks

    def _words(self, words: list[str], moved: Moved) -> list[str]:
        changed = [moved.word(word) for word in words]
        paths = [word for word, new in zip(words, changed, strict=True) if word != new]
        if paths:
            shown = ", ".join(f"`{path}`" for path in paths[:TOLD]) + (" …" if paths[TOLD:] else "")
            self.adjusted.append(f"paths of the project among the words are those of the workspace: {shown}")
        return changed

    def _environment(
        self, words: list[str], values: dict[str, str], top: str
    ) -> tuple[list[str], dict[str, str]]:
        """Build the recorded environment again, if that is asked."""
        if self.wish.environment != "recreate":
            return words, values
        from xt.ops.recreate.build import build
        from xt.ops.recreate.enter import enter as use
        from xt.ops.recreate.plan import plan

        snapshot = self.original.snapshot
        self.tell("building the environment")
        project = os.path.normpath(os.path.join(top, self.was.below))
        cache = f"{self.store.path}/cache/environments"
        made = build(plan(snapshot, project), cache, project, self.outside.environ, self.tell)
        cwd = os.path.normpath(os.path.join(project, from_text(snapshot.command.cwd)))
        used = use(made, snapshot, words, values, cwd, project)
        self.adjusted += [*made.remarks, *used.said]
        before = values.get("PYTHONPATH")
        if used.environ.get("PYTHONPATH") != before:
            # The way to editable packages is no drift: the command gets it, and the record does not.
            self._editable = {"PYTHONPATH": used.environ.pop("PYTHONPATH", "")}
            used.environ.update({} if before is None else {"PYTHONPATH": before})
        return used.argv, used.environ

    def _inputs(self, around: Around, top: str) -> list[str]:
        """Bring them; give those that are read where they are."""
        snapshot = self.original.snapshot
        inputs = Inputs(self.store, snapshot, self.original.host, self.was, self.tops, self.outside)
        self.tell("looking for the inputs")
        extras = Extras(snapshot.code, self.tops, self.outside.environ)
        # Without root's rights a namespace has its price: owners of files show as `nobody`.
        owner = self.linked is not None and os.geteuid() == 0
        large = [inputs.look(top), extras.look(top), owner]
        # An engine does not see what is mounted for this process alone, nor does who keeps a workspace.
        alone = not self.contained and not self.wish.keep
        if any(large) and alone and surroundings.may_mount():
            around.namespaces.add("mount")
        surroundings.before(around, self.was)
        enter(around)
        self.tell("bringing the inputs")
        bringing = Bringing(
            self.place.scratch,
            may_mount=alone and "mount" in around.namespaces,
            guarded=self.contained,
        )
        inputs.bring(top, bringing)
        self.adjusted += [*inputs.remarks, *extras.bring(top, bringing)]
        if bringing.read_only:
            names = ", ".join(f"`{os.path.relpath(path, top)}`" for path in bringing.read_only[:TOLD])
            self.adjusted.append(f"mounted read-only, for their size: {names}")
        if self.linked is not None:
            mount = alone and "mount" in around.namespaces
            self.adjusted.append(interpreter.protect(self.linked, self.place.scratch, may_mount=mount))
        return bringing.elsewhere

    def _added(self, around: Around, seen: str) -> dict[str, str]:
        """Variables that the command alone gets."""
        if self.wish.environment == "recreate":
            return {**around.added, **self._editable}
        # A runner that brings an environment up to date would point the user's own to this workspace.
        around.added.setdefault("UV_NO_SYNC", "1")
        folders, unknown = interpreter.shadows(self.original.snapshot.environment.python, self.was, seen)
        if unknown:
            self.adjusted.append(
                f"editable from the project, and not known how: {', '.join(unknown)};"
                " their code may be that of the project and not the recorded one"
            )
        if not folders:
            return around.added
        self.adjusted.append("packages that are editable from the project come from the workspace")
        before = around.environ.get("PYTHONPATH")
        return {**around.added, "PYTHONPATH": ":".join([*folders, *([before] if before else [])])}

    def _code_hint(self, error: GitError) -> str | None:
        code = self.original.snapshot.code
        if fsio.find_program("git", self.outside.environ.get("PATH", os.defpath)) is None:
            return _NO_GIT
        if "unable to write" in str(error):  # git does not say why
            return f"is there room left on the disk of `{self.store.path}`?"
        if code.head is None:
            return None
        of = f", of {from_text(code.remote)}" if code.remote is not None else ""
        return f"run it in a clone that has commit {code.head[:12]}{of}"

    def _key(self) -> bytes | None:
        try:
            return self.store.key()
        except XtError:
            return None
