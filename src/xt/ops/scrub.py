"""The last thing before a record is written: no secret that is known stays in any of its strings.

Collectors clean what they can recognise by itself; here the *values* are known, of secret variables and
of secret arguments, and wherever one turns up, in whatever form, it is masked.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
