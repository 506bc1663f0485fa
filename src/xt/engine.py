"""An engine of containers, asked through its own command.

Through `docker` (or `podman`) and not the SDK: it alone knows the user's contexts and configuration, so the
engine that is asked is the one that will run the command; and a process costs less than importing the SDK.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from xt import fsio, redact
from xt.errors import UnsupportedError

#: Seconds an engine may take to answer a question.
PATIENCE = 60.0


class Engine:
    """A program that talks to an engine, with the options that choose which."""

    def __init__(
        self, environ: Mapping[str, str], name: str = "docker", before: list[str] | None = None
    ) -> None:
        """Find the program.

        Args:
            environ: of the caller, which says where the engine is.
            name: `docker`, `podman`, or a path to one.
            before: options before the subcommand, such as `--context far`.

        Raises:
            UnsupportedError: it is not installed.
        """
        found = name if "/" in name else fsio.find_program(name, environ.get("PATH", os.defpath))
        if found is None:
            raise UnsupportedError(f"`{name}` was not found", "install Docker Engine, or run it outside")
        self.program = os.path.abspath(found)
        self.words = [self.program, *(before or [])]
        self.environ = dict(environ)

    def ask(
        self, *words: str, patience: float = PATIENCE, whole: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a subcommand and take its answer.

        Args:
            words: of the subcommand.
            patience: seconds it may take.
            whole: whether Ctrl-C waits for it: the engine would make what is asked for all the same, later
                than we could remove it.

        Raises:
            UnsupportedError: it cannot be started, or does not end in time.
        """
        try:
            # Ctrl-C must not come between the start and the moment that somebody waits for it.
            held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT} if whole else set())
            try:
                process = subprocess.Popen(
                    [*self.words, *words],
                    env=self.environ,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=whole,
                )
            except BaseException:
                signal.pthread_sigmask(signal.SIG_SETMASK, held)
                raise
            with process:
                try:
                    signal.pthread_sigmask(signal.SIG_SETMASK, held)
                    told, said = process.communicate(timeout=patience)
                except BaseException as error:
                    if whole and isinstance(error, KeyboardInterrupt):
                        process.communicate(timeout=patience)
                    process.kill()
                    raise
            return subprocess.CompletedProcess(process.args, process.returncode, told, said)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnsupportedError(
                f"`docker {words[0]}` does not answer: {error}",
                "`docker info` says whether its engine runs, and whether you may use it",
            ) from error

    def security(self) -> str:
        """Tell what the engine says of its safeguards, which shows that it answers.

        Raises:
            UnsupportedError: it does not.
        """
        told = self.ask("info", "--format", "{{json .SecurityOptions}}")
        if told.returncode or not told.stdout.strip():
            raise UnsupportedError(
                f"the engine of docker does not answer: {last_line(told.stderr)}",
                "start it, or say where it is: `docker context use`, DOCKER_HOST",
            )
        return told.stdout

    def inspect(self, name: str, patience: float = PATIENCE) -> dict[str, Any] | None:
        """Describe an image by name, id, or digest with or without a repository.

        Returns:
            What the engine says of it; None when it is not here.

        Raises:
            UnsupportedError: the engine does not answer.
        """
        wanted = name.removeprefix("docker://")
        if not wanted or wanted.startswith("-"):
            return None
        told = self.ask("image", "inspect", wanted, patience=patience)
        if told.returncode == 0:
            return _first(told.stdout)
        if not re.search(
            r"[Nn]o such image|not found|not known|invalid reference|repository name must", told.stderr
        ):
            raise UnsupportedError(
                f"the engine of docker does not answer: {last_line(told.stderr)}",
                "start it, or say where it is: `docker context use`, DOCKER_HOST",
            )
        if not wanted.startswith("sha256:"):
            return None
        # Of a digest without its repository the engine finds images by id only.
        listed = self.ask(
            *("image", "ls", "--digests", "--no-trunc", "--format", "{{.Digest}} {{.ID}}"), patience=patience
        )
        pairs = (line.split() for line in listed.stdout.splitlines())
        found = next((pair[1] for pair in pairs if len(pair) == 2 and pair[0] == wanted), None)
        return self.inspect(found, patience) if found is not None and found != wanted else None


def _first(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = told[0] if isinstance(told, list) and told else told
    return found if isinstance(found, dict) and isinstance(found.get("Id"), str) else None


def last_line(text: str) -> str:
    """Pick the last line that says something, without secrets."""
    return redact.clean(
        next((line for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
    )


def identity(told: dict[str, Any]) -> str:
    """Id of an image as `sha256:<hex>`; podman leaves the first word out."""
    found: str = told["Id"]
    return found if ":" in found else f"sha256:{found}"


def is_exact(name: str) -> bool:
    """Whether a name of an image can mean one content only."""
    return "sha256:" in name or re.fullmatch(r"[0-9a-f]{12,64}", name.removeprefix("docker://")) is not None


def how_to_get(name: str, digests: list[str] | None = None) -> str:
    """Say what brings an image here."""
    plain = name.removeprefix("docker://")
    if digests:
        return f"`docker pull {digests[0]}`"
    if plain.startswith("sha256:") or re.fullmatch(r"[0-9a-f]{12,64}", plain):
        return "an id alone cannot be pulled: load the image (`docker load`), or pull it by the name it has"
    return f"`docker pull {plain}`"
