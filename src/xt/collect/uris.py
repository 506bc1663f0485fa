"""Inputs that are named by URI: identity, and the revision where it is known locally. Never the network.

What is stored holds no credentials.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from xt import fsio
from xt.collect.credentials import without_credentials
from xt.collect.paths import absolute, shown, usable, why

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
#: Schemes that need no `//`.
_KNOWN = ("https", "http", "s3", "gs", "az", "hf", "dvc", "git", "file")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_HUB_NAME = re.compile(r"(?:(models|datasets|spaces)/)?((?:[\w.-]+/)?[\w.-]+)(?:@(.+))?\Z")
#: Bytes; no pointer file is larger.
_POINTER_LIMIT = 1 << 20


class Known(NamedTuple):
    """What can be said of a URI without asking anybody."""

    declared: str
    """As written, without credentials."""
    revision: str | None
    reason: str
    """Why it is not verified, and where the revision comes from."""
    size: int | None = None
    missing: str | None = None
    """Local path the URI depends on that does not exist."""


def is_uri(path: str) -> bool:
    """Whether a declared input is a URI; a file of such a name is written `./s3:…`."""
    found = _SCHEME.match(path)
    return found is not None and (found[1].lower() in _KNOWN or found[2].startswith("//"))


def file_path(uri: str) -> str | None:
    """Path that a `file:` URL names on this machine (RFC 8089), or None for any other URI."""
    found = _SCHEME.match(uri)
    if found is None or found[1].lower() != "file":
        return None
    rest = found[2]
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        if host not in ("", "localhost"):
            return None
        rest = slash + tail
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda hit: bytes.fromhex(hit[1].decode()), os.fsencode(rest))
    return os.fsdecode(data)


def identify(uri: str, base: str, environ: Mapping[str, str]) -> Known:
    """Say what is known of a URI.

    Args:
        uri: as declared; `is_uri` is true of it.
        base: absolute folder that relative paths in it (`dvc:`, `git:`) start from.
        environ: of the world: where caches are.
    """
    found = _SCHEME.match(uri)
    if found is None:
        raise ValueError("not a URI")
    scheme, rest = found[1].lower(), found[2]
    if scheme == "hf":
        return _hub(uri, rest, environ)
    if scheme == "dvc" and not rest.startswith("//"):
        return _dvc(uri, rest, base, environ)
    if scheme == "git" and not rest.startswith("//"):
        return _git(rest, base, environ)
    return _remote(uri)


def _remote(uri: str) -> Known:
    """An address whose content only the network has; some addresses name their revision themselves."""
    declared = without_credentials(uri)
    pinned = re.search(r"#(?:[^#]*&)?(sha256|sha512|sha1|md5)=([0-9A-Fa-f]{32,128})", uri)
    if pinned:
        return Known(declared, f"{pinned[1]}:{pinned[2].lower()}", "pinned by its digest, not read")
    version = re.search(r"[?&](?:versionId|generation|versionid)=([\w.~-]+)", uri)
    if version:
        return Known(declared, version[1], "pinned by its version, not read")
    return Known(declared, None, "not read: its revision is not known here")


def _hub(uri: str, rest: str, environ: Mapping[str, str]) -> Known:
    """`hf:[datasets/]ORG/NAME[@REVISION]`, looked up in the hub's cache.

    Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache (refs/REVISION holds the
    commit, snapshots/COMMIT the files). The files are not hashed, so it stays unverified.
    """
    found = _HUB_NAME.match(rest.removeprefix("//"))
    if found is None or ".." in rest or not rest.isprintable():
        declared = without_credentials("hf://" + rest.removeprefix("//"))
        return Known(declared, None, "not understood: `hf:[datasets/]ORG/NAME[@REVISION]` is")
    declared = "hf:" + rest
    kind, name, revision = found[1] or "models", found[2], found[3] or "main"
    folder = f"{_hub_cache(environ)}/{kind}--{name.replace('/', '--')}"
    commit: str | None = revision if _COMMIT.match(revision) else None
    if commit is None and usable(revision):
        try:
            text = fsio.read_file(f"{folder}/refs/{revision}", 4096).decode("ascii", "replace").strip()
        except OSError:
            text = ""
        commit = text if _COMMIT.match(text) else None
    if commit is None:
        return Known(declared, None, f"not read: {shown(revision)} is not in the local cache of the hub")
    if os.path.isdir(f"{folder}/snapshots/{commit}"):
        return Known(declared, commit, "commit known from the local cache of the hub, its files not read")
    return Known(declared, commit, "commit known, its files not in the local cache of the hub")


def _hub_cache(environ: Mapping[str, str]) -> str:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return environ[name]
    if environ.get("HF_HOME"):
        return environ["HF_HOME"] + "/hub"
    cache = environ.get("XDG_CACHE_HOME") or environ.get("HOME", "") + "/.cache"
    return cache + "/huggingface/hub"


def _dvc(uri: str, rest: str, base: str, environ: Mapping[str, str]) -> Known:
    """`dvc:PATH.dvc`: the pointer file names the content by digest.

    Format: https://dvc.org/doc/user-guide/project-structure/dvc-files
    """
    import yaml

    path = absolute(rest, base, environ)
    try:
        data = fsio.read_file(os.path.realpath(path), _POINTER_LIMIT)
    except FileNotFoundError:
        return Known(uri, None, "", missing=path)
    except OSError as error:
        return Known(uri, None, f"the pointer file cannot be read: {why(error)}")
    try:
        pointer = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        return Known(
            uri, None, "the pointer file is not YAML" + ("" if line is None else f" (line {line + 1})")
        )
    revisions, size = _pointed(pointer)
    if not revisions:
        return Known(uri, None, "the pointer file names no md5, etag or checksum")
    return Known(uri, ",".join(revisions), "named by the pointer file; the data itself was not read", size)


def _pointed(pointer: object) -> tuple[list[str], int | None]:
    """Collect what `outs` (else `deps`) of a pointer file are known by, and their bytes together."""
    revisions: list[str] = []
    sizes: list[int | None] = []
    if not isinstance(pointer, dict):
        return [], None
    for section in ("outs", "deps"):
        rows = pointer.get(section)
        for row in rows if isinstance(rows, list) else []:
            if not isinstance(row, dict):
                continue
            for name in ("md5", "etag", "checksum", "version_id"):
                value = row.get(name)
                if isinstance(value, str | int) and str(value).isprintable():
                    revisions.append(f"{name}:{value}")
                    size = row.get("size")
                    sizes.append(size if isinstance(size, int) else None)
                    break
        if revisions:
            break
    known = [size for size in sizes if size is not None]
    return revisions, sum(known) if known and len(known) == len(sizes) else None


def _git(rest: str, base: str, environ: Mapping[str, str]) -> Known:
    """`git:PATH@REV` or `git:URL@REV`; without REV, HEAD."""
    place, revision = _git_parts(rest)
    if "://" in place or re.match(r"[^/]+@?[^/]*:", place):
        clean = without_credentials(place)
        declared = f"git:{clean}@{revision}" if revision else f"git:{clean}"
        if revision and _COMMIT.match(revision):
            return Known(declared, revision, "pinned by its commit, not read")
        return Known(declared, None, f"not read: what {shown(revision or 'HEAD')} is there is not known here")
    declared = f"git:{rest}"
    path = absolute(place, base, environ)
    if not os.path.isdir(path):
        return Known(declared, None, "", missing=path)
    commit, reason = _commit(path, revision or "HEAD", environ)
    return Known(declared, commit, reason)


def _git_parts(rest: str) -> tuple[str, str | None]:
    """Part `PLACE[@REV]`; an `@` before the host's end belongs to the user's name."""
    start = 0
    if "://" in rest:
        slash = rest.find("/", rest.index("://") + 3)
        start = slash if slash >= 0 else len(rest)
    elif re.match(r"[^/@]+@[^/:]+:", rest):
        start = rest.index(":")
    at = rest.rfind("@")
    if at < start or at == len(rest) - 1:
        return rest.removesuffix("@") if at >= start else rest, None
    return rest[:at], rest[at + 1 :]


def _commit(path: str, revision: str, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """Resolve a revision in a local repository; nothing of the repository's configuration is run."""
    import subprocess

    keep = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    keep |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    # Of a partial clone, an older git would fetch what is missing: no protocol is called `none`.
    keep["GIT_ALLOW_PROTOCOL"] = "none"
    try:
        answer = subprocess.run(
            [
                "git",
                "--no-pager",
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                revision + "^{commit}",
            ],
            cwd=path,
            env=keep,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return (
            None,
            f"git could not be asked: {why(error) if isinstance(error, OSError) else type(error).__name__}",
        )
    commit = answer.stdout.decode("ascii", "replace").strip().splitlines()[-1:]
    if answer.returncode == 0 and commit and _COMMIT.match(commit[0]):
        return commit[0], "commit known from the local repository, its files not read"
    if answer.returncode == 1:
        return None, f"the local repository has no commit {shown(revision)}"
    said = answer.stderr.decode("utf-8", "replace").strip().split("\n")[0]
    return None, f"git could not tell its commit: {shown(said)}"
