"""The last thing before a record is written: no secret that is known stays in any of its strings.

Collectors clean what they can recognise by itself; here the *values* are known, of secret variables and
of secret arguments, and wherever one turns up, in whatever form, it is masked.
"""

from __future__ import annotations

import os
from typing import Any, TypeVar

import msgspec

from xt.redact import argv_secrets, secret_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xt.config import Settings
    from xt.context import Outside
    from xt.model.request import RunRequest

T = TypeVar("T")


class Scrubber:
    """Masks known secrets in values of `xt.model`."""

    def __init__(self, secrets: dict[str, str]) -> None:
        """Prepare; without secrets nothing is loaded and values pass as they are."""
        self._mask: Any = None
        self._secrets: dict[str, str] = {}
        self.add(secrets)

    def add(self, secrets: dict[str, str]) -> None:
        """Mask further ones from now on."""
        if secrets:
            self._secrets = secrets = {**self._secrets, **secrets}
            from xt.execute.mask import Mask

            mask = Mask(secrets)
            self._mask = mask if mask.active else None

    def clean(self, value: T) -> T:
        """Mask every string inside a value: a Struct, or a list of them."""
        if self._mask is None:
            return value
        cleaned: T = self._walk(value)
        return cleaned

    @property
    def mask(self) -> Callable[[], Callable[[bytes], bytes]] | None:
        """Makes what masks complete bytes, for one thread; None when there is nothing to mask."""
        return self._fresh if self._mask is not None else None

    @property
    def halves(self) -> list[str]:
        """Names of secrets that are not looked for in all their encodings: there are too many."""
        return [] if self._mask is None else self._mask.left_out

    def _fresh(self) -> Callable[[bytes], bytes]:
        mask = type(self._mask)(self._secrets)
        return lambda data: bytes(mask.feed(data, final=True))

    def holds(self, data: bytes) -> bool:
        """Whether a secret stands in bytes that would be kept as they are."""
        return self._mask is not None and self._mask.feed(data, final=True) != data

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            masked = self._mask.feed(data, final=True)
            return value if masked == data else masked.decode("utf-8", "surrogatepass")
        if isinstance(value, msgspec.Struct):
            words = type(value).__annotations__
            return msgspec.structs.replace(
                value,
                **{
                    name: self._walk(getattr(value, name))
                    for name in value.__struct_fields__
                    if not _is_word_of_ours(words.get(name, ""))
                },
            )
        if isinstance(value, dict):
            return {self._walk(key): self._walk(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._walk(inner) for inner in value]
        return value


def _is_word_of_ours(annotation: str) -> bool:
    """Whether a field holds one of a few fixed words, which is no secret even if a secret is called so."""
    return "Literal" in annotation or annotation in ("Status", "Kind", "ChangeKind")


def secrets_of(request: RunRequest, outside: Outside, settings: Settings) -> dict[str, str]:
    """Find what the command is given and no record or log may hold, by where it stands."""
    found = argv_secrets(request.command) | secret_values(outside.environ, settings.env.secrets)
    if request.docker is not None:
        hidden = argv_secrets(request.docker.options)
        found |= {f"docker {name}": value for name, value in hidden.items()}
    words = [*request.command, *(request.docker.options if request.docker is not None else ())]
    files = [".env"] if os.path.exists(os.path.join(outside.cwd, ".env")) else []
    if files or any(word.startswith("--env-file") for word in words):
        from xt.collect import env_files

        files += env_files.named(words)
        found |= env_files.secrets(files, outside.cwd, outside.environ, settings.env.secrets)
    return found
