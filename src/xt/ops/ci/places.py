"""For which provider a report is, where its files go, and what tells this job from others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from xt import fsio
from xt.collect.ci import provider
from xt.context import Outside
from xt.errors import UsageError
from xt.model.ci import PROVIDERS
from xt.ops.find import store_path
from xt.store import find_root
from xt.suggest import suggest

#: Folder of the files, in the project's root.
FOLDER = "xt-ci"
#: Whose reports are files; the others get files only where a folder is named.
FILES = ("gitlab", "jenkins", "generic")
#: Variables that together tell a job from all others of its provider.
_JOB = {
    "github": ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"),
    "gitlab": ("CI_JOB_ID",),
    "jenkins": ("JOB_NAME", "BUILD_NUMBER"),
    "buildkite": ("BUILDKITE_JOB_ID",),
}
#: Variables that name the top of the checkout, which files of remarks are relative to.
_TOP = {
    "github": "GITHUB_WORKSPACE",
    "gitlab": "CI_PROJECT_DIR",
    "jenkins": "WORKSPACE",
    "buildkite": "BUILDKITE_BUILD_CHECKOUT_PATH",
}


class Place(NamedTuple):
    """Where a report goes."""

    provider: str
    """One of `PROVIDERS`."""
    folder: str | None
    """Absolute path of the folder of files; None for no files."""
    named: bool
    """Whether somebody named the folder."""
    job: str
    top: str
    """Absolute path that files of remarks are relative to."""


def check(option: str | None) -> None:
    """See that an option names something.

    Raises:
        UsageError: it does not.
    """
    known = ("auto", "off", *PROVIDERS)
    if option is not None and option not in known:
        raise UsageError(f"--ci: there is no `{option}`", suggest(option, known, "it can be"))


def chosen(option: str | None, folder: str | None, outside: Outside) -> Place | str | None:
    """Find out where to report to.

    Args:
        option: of `--ci`, checked; None: XT_CI, or else `auto`.
        folder: of `--ci-dir`; None: XT_CI_DIR, or else `xt-ci` in the project's root.
        outside: for the variables and the working directory.

    Returns:
        None: no report is wanted. A text: none can be made, and why.
    """
    environ = outside.environ
    said = option or environ.get("XT_CI") or "auto"
    if said == "off":
        return None
    if option is None and environ.get("XT_RUN_ID"):
        return None  # part of another run, which has a report of its own
    if said not in ("auto", *PROVIDERS):
        return f"XT_CI is `{said}`; it can be auto, off, {', '.join(PROVIDERS)}"
    if said == "auto":
        found = provider(environ)
        if found is None:
            return None
        said = found if found in PROVIDERS else "generic"
    named = folder or environ.get("XT_CI_DIR")
    root = find_root(outside.cwd)
    path: str | None = None
    if named:
        path = os.path.normpath(os.path.join(outside.cwd, named))
    elif said in FILES:
        path = os.path.join(root, FOLDER)
    if path is not None and fsio.is_inside(os.path.realpath(path), os.path.realpath(store_path(outside))):
        return f"`{named}` is in the store itself"
    return Place(said, path, bool(named), _job(said, environ), _top(said, environ, root))


def _job(name: str, environ: Mapping[str, str]) -> str:
    return "/".join(environ.get(variable, "") for variable in _JOB.get(name, ()))


def _top(name: str, environ: Mapping[str, str], root: str) -> str:
    """The checkout's top as the provider names it, if the project is in it; else the project's root."""
    said = environ.get(_TOP.get(name, ""), "")
    top = os.path.realpath(said) if os.path.isabs(said) else ""
    root = os.path.realpath(root)
    return top if top and fsio.is_inside(root, top) else root
