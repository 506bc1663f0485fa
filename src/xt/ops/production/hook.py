"""The hook of a deployment: a command of `xt.toml` that moves the traffic, before anything is recorded."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from xt import fsio
from xt.config import DeploySettings, Settings
from xt.context import Outside
from xt.errors import HookError, NotRecordedError, XtError
from xt.model.files import Output
from xt.model.result import Record
from xt.model.text import from_text
from xt.ops.production.lookups import manifest_of
from xt.ops.restore import Wish, fault, restore
from xt.store import Store, find_root

#: Standard error: what a hook prints is no data of ours.
_STDERR = 2


def hook_of(settings: Settings, environment: str) -> list[str]:
    """The words of the hook of an environment, that of all where it has none of its own; none is empty."""
    for name in (environment, "hook"):
        found = settings.deploy.get(name)
        said = found.hook if isinstance(found, DeploySettings) else found
        if said is not None:
            return shlex.split(said)
    return []


def run(words: list[str], variables: dict[str, str], root: str, outside: Outside) -> None:
    """Run a hook to its end; Ctrl-C reaches it and is its to answer.

    Args:
        words: the command; no shell.
        variables: added to those there are.
        root: folder to run it in.
        outside: for the variables.

    Raises:
        HookError: it could not be started, or failed.
    """
    said = shlex.join(words)
    try:
        process = subprocess.Popen(words, cwd=root, env={**outside.environ, **variables}, stdout=_STDERR)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise HookError(
            f"the hook could not be started, and nothing was recorded: {words[0]}: {why}",
            "mend `[deploy]` of xt.toml, or `--no-hook`",
        ) from error
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:
            continue
    if status != 0:
        how = f"with {status}" if status > 0 else f"by signal {-status}"
        raise HookError(
            f"the hook ended {how}, and nothing was recorded: {said}",
            "what it had done by then it must take back itself",
        )


@contextmanager
def content(store: Store, record: Record, output: Output, path: str, outside: Outside) -> Iterator[str]:
    """Put the content of an output below a temporary folder for as long as the hook runs.

    Args:
        store: that has it.
        record: of the run.
        output: of that run.
        path: of the content: that of the output, or of a file in it.
        outside: for git.

    Yields:
        Absolute path of the file or folder.

    Raises:
        NotRecordedError: it is not to be had.
    """
    wanted = [path]
    if output.kind == "glob" and output.digest is not None and path == from_text(output.path or ""):
        found = manifest_of(store, output.digest)
        wanted = [os.path.join(path, from_text(entry.path)) for entry in found.entries] if found else [path]
    with tempfile.TemporaryDirectory(prefix="xt-deploy-") as folder:
        wish = Wish(tuple(wanted), ("outputs",), folder)
        # Recorded paths are relative to the project's root, and so is what is read as one from there.
        try:
            at_root = Outside(find_root(outside.cwd), outside.environ, outside.umask)
            done = restore(store, record.id, wish, at_root)
            wrong = fault(done)
        except (XtError, OSError) as error:
            raise NotRecordedError(f"the content for the hook is not to be had: {error}") from error
        if wrong is not None:
            said = next((item.reason for item in done.paths if item.reason), wrong.message)
            raise NotRecordedError(
                f"the content for the hook is not to be had: {said}",
                "name a file on disk to deploy it, or `--no-hook`",
            )
        yield os.path.normpath(
            os.path.join(folder, _placed(path, from_text(record.snapshot.context.project)))
        )


def _placed(path: str, project: str) -> str:
    """Where `xt restore --to` puts a recorded path."""
    place = fsio.relative_to(os.path.normpath(os.path.join("/", project, path)), os.path.join("/", project))
    return f"outside{place}" if place.startswith("/") else place
