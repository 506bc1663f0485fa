"""A program that prints all it sees of the folder it runs in; two that saw the same print the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys


def git(*words: str, cwd: str = ".") -> None:
    """Print what git says."""
    done = subprocess.run(["git", *words], capture_output=True, check=False, cwd=cwd)
    print(words, done.returncode, done.stdout)


def look(top: str, *, everything: bool) -> None:
    """Print every path, its kind, permissions and content; mind repositories."""
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != ".xt")
        if ".git" in (*folders, *names):
            found.append((os.path.relpath(folder, top), "repository"))
        folders[:] = [name for name in folders if name != ".git"]
        for name in (*folders, *names):
            if name == ".git":
                continue
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            else:
                content = ""
            # Of permissions git keeps one bit.
            mode = info.st_mode & (0o170100 if os.path.isfile(path) else 0o170000)
            found.append((os.path.relpath(path, top), oct(mode), content))
    for entry in sorted(found):
        print(ascii(entry))
        if everything and entry[1] == "repository":
            cwd = os.path.join(top, entry[0])
            git("status", "--short", "-z", "--untracked-files=all", cwd=cwd)
            git("rev-parse", "HEAD", "HEAD^{tree}", cwd=cwd)
            git("describe", "--always", "--dirty", "--tags", cwd=cwd)
            git("symbolic-ref", "HEAD", cwd=cwd)
            git("log", "--oneline", cwd=cwd)
            git("diff", "--stat", cwd=cwd)
            git("submodule", "status", "--recursive", cwd=cwd)


if __name__ == "__main__":
    look(sys.argv[1] if len(sys.argv) > 1 else ".", everything=True)
