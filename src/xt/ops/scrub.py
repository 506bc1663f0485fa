"""The last thing before a record is written: no secret that is known stays in any of its strings.

Collectors clean what they can recognise by itself; here the *values* are known, of secret variables and
of secret arguments, and wherever one turns up, in whatever form, it is masked.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Scrubber:
    """Masks known secrets in values of `xt.model`."""

    def __init__(self, secrets: dict[str, str]) -> None:
        """Prepare; without secrets nothing is loaded and values pass as they are."""
        self._mask: Any = None
        if secrets:
            from xt.execute.mask import Mask

            mask = Mask(secrets)
            self._mask = mask if mask.active else None

    def clean(self, value: T, kind: Any) -> T:
        """Mask every string inside a value.

        Args:
            value: a Struct, or a list of them.
            kind: its type, such as `list[Input]`.
        """
        if self._mask is None:
            return value
        cleaned: T = msgspec.convert(self._walk(msgspec.to_builtins(value)), kind)
        return cleaned

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            masked = self._mask.feed(data, final=True)
            return value if masked == data else masked.decode("utf-8", "surrogatepass")
        if isinstance(value, dict):
            return {self._walk(key): self._walk(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(inner) for inner in value]
        return value
