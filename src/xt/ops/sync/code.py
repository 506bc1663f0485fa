"""Code on a remote: for each tree an index `code/3f/<tree>/<…>.json` of packs `packs/9a/<hex>.pack`.

A pack holds what those before it in the index do not. There can be several indexes of one tree: two pushed at
once, or one of them lost a pack.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from blake3 import blake3

from xt import codec, fsio
from xt.collect import packs as gitpacks
from xt.collect.git import Git, GitError
from xt.collect.secret_lines import by_name, is_allowed
from xt.context import Outside
from xt.errors import ConfigError, DamagedError, NotRecordedError, WrongContentError
from xt.model.snapshot import Snapshot
from xt.model.sync import CodePack, CodePacks
from xt.ops.code_trees import borrowed, reader, repository, trees
from xt.ops.find import project_settings
from xt.ops.sync.scanning import suspect
from xt.store import Store
from xt.store.remote import Remote, names
from xt.store.remote.objects import fetch

#: Bytes of an index.
LARGEST = 1_000_000
#: Packs that one tree may be made of; one more, and it is packed whole.
LONGEST = 16
#: Trees that are tried as what a new one builds on.
TRIED = 4


class SecretFoundInCodeError(Exception):
    """Something in a tree looks like a secret; the text says where."""


class Code:
    """The code of one store and one remote."""

    def __init__(self, store: Store, remote: Remote, outside: Outside) -> None:
        """Read nothing yet."""
        self._store = store
        self._remote = remote
        self._outside = outside
        self._known: dict[str, CodePacks] = {}
        """By tree, in the order in which they were seen: whole on the remote."""
        self._hints = f"{store.path}/cache/remotes/{blake3(os.fsencode(remote.url)).hexdigest()[:16]}.trees"

    # --- to the remote -----------------------------------------------------------------------------

    def push(self, snapshot: Snapshot, *, scan: bool) -> int:
        """Copy the code of a run; return the bytes that were sent.

        Raises:
            NotRecordedError: it cannot be read here.
            SecretFoundInCodeError: with `scan`, when something in it looks like a secret: nothing was sent.
            RemoteError: the remote failed.
        """
        sent = 0
        for folder, tree in trees(snapshot).items():
            if self._on_remote(tree) is None:
                try:
                    sent += self._push(reader(self._store, snapshot, folder, tree, self._outside), tree, scan)
                except GitError as error:
                    raise NotRecordedError(f"the code as it ran cannot be read: {error}") from error
        return sent

    def _push(self, git: Git, tree: str, scan: bool) -> int:
        base = next(self._bases(git, tree), None)
        if scan:
            _scan(git, tree, base.tree if base else None, self._allowed())
        with self._scratch() as folder:
            made = gitpacks.pack(git, tree, base.tree if base else None, folder)
            found = list(base.packs) if base else []
            size = 0
            if made is not None:
                path, name = made
                size = os.path.getsize(path)
                found.append(CodePack(_digest(path), size, name))
                self._remote.create(names.of_pack(found[-1].digest), path)
        index = CodePacks(tree, found)
        data = codec.encode(index)
        self._remote.create(f"{names.of_code(tree)}{names.hexed(codec.digest(data))[:32]}.json", data)
        self._remember(index)
        return size

    def _allowed(self) -> list[str]:
        """What `[code] allow_secrets` says now."""
        try:
            return project_settings(self._outside).code.allow_secrets
        except ConfigError:
            return []

    def _bases(self, git: Git, tree: str) -> Iterator[CodePacks]:
        """Trees on the remote, whole here too, that a new one may build on: the latest first."""
        tried = 0
        for other in reversed([*dict.fromkeys([*self._hinted(), *self._known])]):
            if len(other) == len(tree) and tried < TRIED:
                tried += 1
                found = self._on_remote(other)
                if found is not None and len(found.packs) < LONGEST and gitpacks.is_complete(git, other):
                    yield found

    def _on_remote(self, tree: str) -> CodePacks | None:
        """An index of a tree whose packs are all there."""
        if tree not in self._known:
            for index in self._indexes(tree):
                if all(self._remote.size(names.of_pack(pack.digest)) == pack.size for pack in index.packs):
                    self._remember(index)
                    break
        return self._known.get(tree)

    def _indexes(self, tree: str) -> Iterator[CodePacks]:
        for entry in sorted(self._remote.entries(names.of_code(tree)), key=lambda entry: entry.name)[:64]:
            if names.is_code(entry.name) and entry.name.startswith(names.of_code(tree)):
                try:
                    found = codec.decode(self._remote.read(entry.name, LARGEST), CodePacks, entry.name)
                    for pack in found.packs:
                        names.hexed(pack.digest)
                except (FileNotFoundError, DamagedError, WrongContentError):
                    continue
                good = all(gitpacks.is_id(pack.name) and pack.size >= 0 for pack in found.packs)
                if good and found.tree == tree and len(found.packs) <= 4 * LONGEST:
                    yield found

    # --- from the remote ---------------------------------------------------------------------------

    def pull(self, snapshot: Snapshot) -> tuple[int, list[str]]:
        """Bring the code of a run, as far as it is not here.

        Returns:
            The bytes that were brought, and what could not be had, one sentence each.

        Raises:
            RemoteError: the remote failed.
            OSError: the store cannot be written.
        """
        brought, lacking = 0, []
        for folder, tree in trees(snapshot).items():
            name = f"code: `{folder}`" if folder else "code"
            if not gitpacks.is_id(tree):
                lacking.append(f"{name}: its snapshot has no proper id")
                continue
            try:
                around = borrowed(self._store, snapshot, folder)
                code = repository(self._store, tree, self._outside)
                if gitpacks.is_complete(code.git(None, around), tree):
                    continue
                reason = "it was pushed without `--code`"
                for index in self._indexes(tree):
                    try:
                        brought += self._take(index, around)
                        break
                    except WrongContentError as error:
                        reason = f"{error.message}: `xt push --code` brings it when it was deleted there"
                    except (GitError, NotRecordedError) as error:
                        reason = str(error)
                else:
                    lacking.append(f"{name}: {reason}")
            except GitError as error:
                lacking.append(f"{name}: {error}")
        return brought, lacking

    def _take(self, index: CodePacks, around: list[str]) -> int:
        code = repository(self._store, index.tree, self._outside)
        wanted = [pack for pack in index.packs if not gitpacks.has(code, pack.name)]
        total = sum(pack.size for pack in wanted)
        free = shutil.disk_usage(self._store.path).free
        if total > free:
            raise NotRecordedError(f"its packs have {total} bytes, and {free} are free")
        with self._scratch() as folder:
            paths: list[str] = []
            for pack in wanted:
                arrived = fetch(self._remote, self._store.objects, pack.digest, pack.size, as_pack=True)
                if arrived is None:
                    raise NotRecordedError("the remote lost a pack of it; `xt push --code` brings it back")
                paths.append(f"{folder}/{len(paths)}.pack")
                os.rename(arrived.temporary, paths[-1])
            gitpacks.take(code, around, paths, index.tree, folder)
        self._remember(index)
        return total

    # --- both --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[str]:
        folder = f"{self._store.path}/tmp/{os.getpid()}.{os.urandom(6).hex()}.packs"
        os.makedirs(folder, fsio.PRIVATE_DIR)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _remember(self, index: CodePacks) -> None:
        self._known[index.tree] = index
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._hints), fsio.PRIVATE_DIR, exist_ok=True)
            kept = [*dict.fromkeys([*self._hinted(), index.tree])][-64:]
            fsio.write_atomic(self._hints, "".join(f"{tree}\n" for tree in kept).encode(), durable=False)

    def _hinted(self) -> list[str]:
        """Trees that may be on the remote; it is asked before that is believed."""
        try:
            words = fsio.read_file(self._hints, 100_000).decode("ascii", "replace").split()
        except OSError:
            return []
        return [word for word in words if len(word) in (40, 64) and set(word) <= set("0123456789abcdef")]


def _scan(git: Git, tree: str, without: str | None, allowed: list[str]) -> None:
    """Look for secrets in the contents that a tree adds."""
    words = [tree, *([f"^{without}"] if without else [])]
    listing = git.run("rev-list", "--objects", *words, seconds=gitpacks.LONG).decode(
        "utf-8", "surrogateescape"
    )
    dialogue = git.blobs()
    try:
        for line in listing.splitlines():
            oid, _, path = line.partition(" ")
            if not path:
                continue
            try:
                _, pieces = dialogue.blob(oid)
            except GitError:
                continue  # a folder
            seen = (
                None if is_allowed(path, allowed) else suspect(pieces, allowing=True, settings=by_name(path))
            )
            if seen is not None:
                raise SecretFoundInCodeError(f"{path}:{seen.line}")
    finally:
        dialogue.close()


def _digest(path: str) -> str:
    hasher = blake3()
    for piece in fsio.read_pieces(path):
        hasher.update(piece)
    return "blake3:" + hasher.hexdigest()
