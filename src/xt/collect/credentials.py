"""Credentials in addresses, which may not be stored.

Of an address the user information goes (a bare `git@` stays), and so do query and fragment parts
that are named like a secret or look like one.
"""

from __future__ import annotations

import re

from xt.redact import vendor_tokens

_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|api.?key|access.?key|private.?key|credential|auth(?!or)|signature|bearer|session|jwt"
    r"|^(sig|key|sas|se|sp|sv|sr|st|skoid|sktid|pat)$|^x-(amz|goog|ms|oss|cos)-"
    r"|^(awsaccesskeyid|googleaccessid|expires)$",
    re.IGNORECASE,
)
#: Beginnings of tokens, whole or cut; `xt.redact` knows the whole ones of many more issuers.
_SECRET_VALUE = re.compile(
    r"gh[pousr]_|github_pat_|glpat-|hf_[A-Za-z0-9]{8}|sk-[A-Za-z0-9]|xox[abprs]-|(AKIA|ASIA)[0-9A-Z]{16}|AIza|npm_|pypi-|dop_v1_"
    r"|x-access-token|oauth2|eyJ[\w-]+\.eyJ"
)


def _is_secret(text: str) -> bool:
    return _SECRET_VALUE.search(text) is not None or next(vendor_tokens(text), None) is not None


def without_credentials(uri: str) -> str:
    """Strip a URI of what could let somebody in.

    Args:
        uri: absolute (`scheme://…`), or an scp-like `user@host:path`.
    """
    scheme, mark, rest = uri.partition("://")
    if mark:
        uri = f"{scheme}://{_without_user(scheme, rest)}"
    else:
        uri = re.sub(r"^([^/@]+)@(?=[^/:]+:)", lambda hit: hit[0] if _is_bare_user(hit[1]) else "", uri)
    main, hash_sign, fragment = uri.partition("#")
    main, question, query = main.partition("?")
    kept_query = _without_secret_parts(query)
    kept_fragment = _without_secret_parts(fragment)
    return (
        main
        + (question + kept_query if kept_query else "")
        + (hash_sign + kept_fragment if kept_fragment else "")
    )


def _without_user(scheme: str, rest: str) -> str:
    """Cut the user information off what follows `://`."""
    end = min((at for sign in "/?#" if (at := rest.find(sign)) >= 0), default=len(rest))
    user, at_sign, host = rest[:end].rpartition("@")
    if at_sign:
        keep = scheme.lower() in ("ssh", "sftp", "git+ssh", "ssh+git", "svn+ssh") and _is_bare_user(user)
        return f"{user}@{host}{rest[end:]}" if keep else host + rest[end:]
    if "@" in rest and not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:\d*)?", rest[:end]):
        # A `/`, `?` or `#` that is not escaped in a password: nothing before the last `@` is safe.
        return rest.rpartition("@")[2]
    return rest


def _is_bare_user(user: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]{1,32}", user)) and not _is_secret(user)


def _without_secret_parts(text: str) -> str:
    kept = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not (equals and _SECRET_NAME.search(name)) and not _is_secret(value or name):
            kept.append(part)
    return "&".join(kept)
