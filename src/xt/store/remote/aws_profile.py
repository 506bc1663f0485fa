"""What `~/.aws/credentials` and `~/.aws/config` say, which the library does not look into."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping

from xt.errors import RemoteError

#: With one of these the library finds credentials by itself, and they win over files.
_GIVEN = (
    *("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
_KEYS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}
#: Ways to credentials that need the SDK of AWS.
_WAYS = (
    "credential_process",
    "sso_session",
    "sso_start_url",
    "role_arn",
    "login_session",
    "web_identity_token_file",
)


class Profile:
    """One profile: `AWS_PROFILE`, else `default`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read it; what is not there is empty.

        Raises:
            RemoteError: the files cannot be read, or `AWS_PROFILE` names none.
        """
        wanted = environ.get("AWS_PROFILE") or ""
        self.name = wanted or environ.get("AWS_DEFAULT_PROFILE") or "default"
        home = environ.get("HOME") or ""
        found: dict[str, str] = {}
        known = False
        for variable, usual, section in (
            ("AWS_CONFIG_FILE", "config", self.name if self.name == "default" else f"profile {self.name}"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", self.name),
        ):
            path = environ.get(variable) or f"{home}/.aws/{usual}"
            parser = configparser.RawConfigParser(default_section="", strict=False)
            try:
                parser.read(os.path.expanduser(path), encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError, OSError):
                # Its text could be a secret, so it is not repeated.
                raise RemoteError(
                    f"`{path}` cannot be read as profiles of AWS",
                    "`aws configure list` shows what is wrong with it",
                ) from None
            if parser.has_section(section):
                known = True
                found |= dict(parser.items(section))
        if wanted and not known:
            raise RemoteError(
                f"there is no profile `{wanted}` of AWS, which `AWS_PROFILE` names",
                "`aws configure list-profiles` lists them",
            )
        self.given = any(environ.get(name) for name in _GIVEN)
        self.values = found

    @property
    def keys(self) -> dict[str, str]:
        """Options of the library: credentials; none where others win."""
        if self.given or not self.values.get("aws_access_key_id"):
            return {}
        return {option: self.values[key] for key, option in _KEYS.items() if self.values.get(key)}

    @property
    def endpoint(self) -> str | None:
        """URL of the service."""
        return self.values.get("endpoint_url")

    @property
    def region(self) -> str | None:
        """Region of the buckets."""
        return self.values.get("region")

    @property
    def way(self) -> str | None:
        """How credentials would be had that are not written there; None when they are, or others win."""
        if self.given or self.keys:
            return None
        return next((way for way in _WAYS if self.values.get(way)), None)
