"""A settings file that exists: parsed and checked, with the line of what is wrong. Loaded only for one."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from xt.config import Settings
from xt.errors import ConfigError


class Source:
    """A settings file that exists."""

    def __init__(self, path: str, shown: str, data: bytes, above: tuple[str, ...]) -> None:
        """Parse it.

        Args:
            path: absolute.
            shown: how messages name it.
            data: its content.
            above: the tables that hold the settings.
        """
        import tomllib

        from xt import toml_text

        self.shown = shown
        self.above = above
        try:
            self.text = data.decode().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ConfigError(f"{shown}:{line}: it is not UTF-8 text") from error
        try:
            value: Any = toml_text.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            from xt.toml_lines import syntax

            message, line = syntax(str(error), self.text)
            raise ConfigError(f"{shown}:{line}: {message}", "it must be TOML: https://toml.io") from error
        except (RecursionError, ValueError) as error:
            raise ConfigError(
                f"{shown}: it is nested too deeply, or holds a number of too many digits"
            ) from error
        self.found = True
        for number, key in enumerate(above):
            if not isinstance(value, dict):
                self.fail((), f"`{'.'.join(above[:number])}` is not a table")
            self.found = self.found and key in value
            value = value.get(key, {})
        self.value = value

    def settings(self) -> Settings:
        """Check every key.

        Raises:
            ConfigError: naming the line of the first that is wrong.
        """
        try:
            settings = msgspec.convert(self.value, Settings)
        except msgspec.ValidationError as error:
            from xt.config_faults import find

            fault = find(self.value, Settings, self.above)
            if fault is None:
                raise ConfigError(f"{self.shown}: {error}") from error
            self.fail(*fault)
        told = (settings.task, settings.metrics, settings.evidence.required, settings.facts)
        said = (settings.deploy, settings.recompute.on, settings.tickets.pattern, settings.tickets.url)
        if any((*told, *said, settings.run.docker_options)):
            from xt.config_sense import nonsense

            for place, message, hint in nonsense(settings):
                self.fail(place, message, hint)
        return settings

    def fail(self, path: tuple[str | int, ...], message: str, hint: str | None = None) -> NoReturn:
        """Name the line of a path below the settings' table."""
        from xt.toml_lines import key_lines, nearest_line

        line = nearest_line(key_lines(self.text), (*self.above, *path))
        raise ConfigError(f"{self.shown}:{line}: {message}", hint)
