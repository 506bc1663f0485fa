"""The objects of a snapshot's tree as packs, and packs from elsewhere into `code.git`.

A pack from elsewhere is looked at in a folder of its own (`git index-pack --strict`, git-index-pack(1)): what
is broken, or could harm whoever checks it out, never gets into the repository.
"""

from __future__ import annotations

import os
import re
import shutil

from xt import fsio
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError

#: Seconds for a large repository.
LONG = 3600.0
_OID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
#: Large contents are streamed, whatever they claim to be.
_SETTINGS = ["core.bigFileThreshold=16m", "pack.threads=1", "pack.packSizeLimit=0"]


def is_id(text: str) -> bool:
    """Whether a text can be the id of an object, or git's name of a pack."""
    return _OID.fullmatch(text) is not None


def is_complete(git: Git, tree: str) -> bool:
    """Whether a tree and everything in it can be read."""
    if not is_id(tree):
        return False
    try:
        git.run("rev-list", "--objects", "--quiet", tree, seconds=LONG)
    except GitError:
        return False
    return True


def pack(git: Git, tree: str, without: str | None, folder: str) -> tuple[str, str] | None:
    """Pack a tree and everything in it.

    Args:
        git: that can read it.
        tree: its id.
        without: a tree whose objects the receiver has.
        folder: where to write.

    Returns:
        Path of the pack, and git's name of it; None when there is nothing in it.

    Raises:
        GitError: something of it is not here.
    """
    wanted = f"{tree}\n" + (f"^{without}\n" if without else "")
    words = ("pack-objects", "-q", "--revs", "--delta-base-offset", f"{folder}/pack")
    name = git.with_settings(_SETTINGS).run(*words, data=wanted.encode(), seconds=LONG).decode().strip()
    if not name:
        return None
    if not is_id(name):
        raise GitError("git wrote more than one pack")
    return f"{folder}/pack-{name}.pack", name


def has(code: CodeStore, name: str) -> bool:
    """Whether a pack was taken before."""
    return os.path.exists(f"{code.path}/objects/pack/pack-{name}.idx")


def take(code: CodeStore, borrowed: list[str], packs: list[str], tree: str, folder: str) -> None:
    """Check packs, and that they make a tree complete; then put them into the repository.

    Args:
        code: the repository.
        borrowed: object folders of other repositories to read from.
        packs: their paths, those that others build on first; they are moved away.
        tree: what they are for.
        folder: to work in, on the file system of the repository.

    Raises:
        GitError: one is broken or harmful, or the tree is not whole with them: nothing was taken.
        OSError: the repository cannot be written.
    """
    own = f"{folder}/objects"
    os.makedirs(f"{own}/pack", fsio.PRIVATE_DIR, exist_ok=True)
    git = code.git(None, [f"{code.path}/objects", *borrowed], objects=own).with_settings(_SETTINGS)
    for number, path in enumerate(packs):
        arrived = f"{own}/pack/arrived-{number}.pack"
        os.rename(path, arrived)
        # It gets its index where git looks for it only when it is found good.
        index = f"{folder}/{number}.idx"
        name = git.run("index-pack", "--strict", "-o", index, arrived, seconds=LONG).decode().split()[-1]
        if not is_id(name):
            raise GitError("git did not say how it calls the pack")
        os.rename(arrived, f"{own}/pack/pack-{name}.pack")
        os.rename(index, f"{own}/pack/pack-{name}.idx")
    if not is_complete(git, tree):
        raise GitError("something of the tree is missing or broken")
    _move(f"{own}/pack", f"{code.path}/objects/pack")
    shutil.rmtree(own)


def _move(source: str, target: str) -> None:
    os.makedirs(target, fsio.PRIVATE_DIR, exist_ok=True)
    # An index last: git takes a pack for one when it has it.
    for name in sorted(os.listdir(source), key=lambda name: (name.endswith(".idx"), name)):
        if not name.endswith((".pack", ".idx")):
            continue
        fd = os.open(f"{source}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fchmod(fd, 0o444)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(f"{source}/{name}", f"{target}/{name}")
    fsio.fsync_dir(target)
