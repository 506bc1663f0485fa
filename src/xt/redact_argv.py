"""Secrets in a command line: options, assignments, headers, logins of known tools, shell strings."""

from __future__ import annotations

import re
from itertools import pairwise

from xt.redact import MASK, clean, entropy, secret_name, words

#: Options that take a secret without saying so, by tool. `user:password` keeps the user.
_FLAGS: dict[str, tuple[str, ...]] = {
    "curl": ("-u", "--user", "-U", "--proxy-user", "--oauth2-bearer", "--pass"),
    "http": ("-a",),
    "https": ("-a",),
    "xh": ("-a",),
    "mysql": ("-p",),
    "mysqldump": ("-p",),
    "mysqladmin": ("-p",),
    "mariadb": ("-p",),
    "sshpass": ("-p",),
    "redis-cli": ("-a", "--pass"),
    "ldapsearch": ("-w",),
    "smbclient": ("-U",),
    "docker": ("-p",),
    "podman": ("-p",),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "mongodump": ("-p",),
    "zip": ("-P",),
    "unzip": ("-P",),
    "7z": ("-p",),
    "openssl": ("-pass", "-passin", "-passout", "-k"),
}
#: Of these, the value is glued to the flag, and a separate word is something else.
_GLUED = frozenset(("mysql", "mysqldump", "mysqladmin", "mariadb", "7z"))
#: `-p` of these is a secret only with this word: elsewhere it is a port.
_LOGIN_ONLY = frozenset(("docker", "podman"))
#: An option that begins so switches something; the word after it is a secret only if it looks like one.
_SWITCHES = words(
    "NO USE SKIP ENABLE DISABLE WITH WITHOUT ASK PROMPT ALLOW HAS IS REQUIRE CHECK SHOW HIDE GENERATE PRINT"
)
#: Names that are often something harmless: masked only when the value could be a secret.
_DOUBTFUL = ("KEY", "AUTH", "SESSION", "COOKIE", "SIGNATURE", "PASS")
_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "fish", "su"))
_OPTION = r"-{1,2}[A-Za-z][\w.-]*"
_REFERENCE = r"\$(?:\w+|\{\w+\}|\([^()]*\))"
_WORD = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\{[^}]*\}|\$\([^()]*\)|[^\s;|&()<>'"\\])+"""
#: What stands between several settings of one word.
_LISTS = frozenset(",;&{}[]\"'")
_PAIR = (
    r"(?<![\w.-])(?P<n>[A-Za-z_][\w.-]{0,80})(?P<k>[\"']?\]?)\s{0,3}(?P<e>[=:])\s{0,3}"
    r"(?P<v>\"[^\"]*\"|'[^']*'|[^\s,;&{}\[\]\"']+)"
)
_QUOTED = r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)"""


def mask_words(argv: list[str], depth: int = 0) -> list[str]:
    """Mask the secrets among the words of one command line.

    Args:
        argv: the words.
        depth: how many shell strings this one is inside of.
    """
    tools = {word.rpartition("/")[2] for word in argv if not word.startswith("-")}
    flags = _flags(tools)
    wandb = any(pair == ("wandb", "login") for pair in pairwise(argv))
    result: list[str] = []
    pending = ""
    passed = False
    for index, word in enumerate(argv):
        if pending:
            name, pending = pending, ""
            if not word.startswith("-") and _is_secret(name, word):
                result.append(_login(word) if name in flags else MASK)
                continue
        spaced = depth < 3 and re.search(r"\s", word) is not None
        if (
            spaced
            and index >= 2
            and re.fullmatch(r"-[a-z]*c", argv[index - 1])
            and not tools.isdisjoint(_SHELLS)
        ):
            result.append(clean(_shell(word, depth)))
            continue
        passed = passed or word.endswith("sshpass")
        if flags and passed and not word.startswith("-") and not word.endswith("sshpass"):
            flags = _flags(tools - {"sshpass"})  # its own options end where its command begins
        masked, pending = _one(word, flags, tools)
        if index and argv[index - 1] == "set" and secret_name(word) and re.fullmatch(r"[\w.-]+", word):
            pending = word  # `aws configure set NAME VALUE` and the like
        if wandb and re.fullmatch(r"[0-9a-f]{40}", word):
            masked = MASK
        if masked == word and spaced:
            masked = _shell(word, depth)
        result.append(clean(_pairs(masked)))
    return result


def _flags(tools: set[str]) -> frozenset[str]:
    found: set[str] = set()
    for tool in tools & _FLAGS.keys():
        if tool not in _LOGIN_ONLY or "login" in tools:
            found.update(_FLAGS[tool])
    return frozenset(found)


def _one(word: str, flags: frozenset[str], tools: set[str]) -> tuple[str, str]:
    """Mask one word; also give the option whose value is the next word, or ''."""
    if word.startswith("-"):
        name, equals, value = word.partition("=")
        if not equals and name in flags and not (name == "-p" and tools & _GLUED):
            return word, name
        if re.fullmatch(_OPTION, name) and secret_name(name):
            if equals:
                return (f"{name}={MASK}" if _is_secret(name, value) else word), ""
            return word, name
        for flag in flags:
            if len(flag) == 2 and word.startswith(flag) and len(word) > 2:
                return flag + _login(word[2:]), ""
            if word.startswith(flag + "="):
                return f"{flag}={_login(value)}", ""
        if equals and "=" in value:  # as in `--env=NAME=VALUE`
            return f"{name}={_assignment(value)}", ""
        header = value if equals else word[2:] if word.startswith("-H") else ""
        return (word[: len(word) - len(header)] + _header(header) if header else word), ""
    return _header(_assignment(word)), ""


def _assignment(word: str) -> str:
    """Mask the value of `NAME=VALUE` when the name is secret."""
    name, equals, value = word.partition("=")
    if (
        equals
        and re.fullmatch(r"\+{0,2}[A-Za-z_][\w.-]*", name)
        and secret_name(name)
        and _is_secret(name, value)
    ):
        return f"{name}={MASK}"
    return word


def _pairs(word: str) -> str:
    """Mask values of secret names among several settings in one word: `a=1,api_key=x`, `{"token": "x"}`."""
    if not ("=" in word or ":" in word) or _LISTS.isdisjoint(word):
        return word
    return re.sub(_PAIR, _mask_pair, word)


def _mask_pair(match: re.Match[str]) -> str:
    name, value = match["n"], match["v"]
    quote = value[:1] if value[:1] in "'\"" else ""
    inner = value[1:-1] if quote else value
    # `name:value` is a pair only where it cannot be a path, a port or a time.
    if match["e"] == ":" and not match["k"] and not re.search(r"[{,]\s*$", match.string[: match.start()]):
        return match[0]
    if MASK in inner or not secret_name(name) or not _is_secret(name, inner):
        return match[0]
    return match[0][: len(match[0]) - len(value)] + quote + MASK + quote


def _header(text: str) -> str:
    """Mask the value of an HTTP header that is named like a secret."""
    name, colon, value = text.partition(":")
    if colon and value.strip() and re.fullmatch(r"[A-Za-z][\w-]*", name) and not value.startswith("//"):
        space = value[: len(value) - len(value.lstrip())]
        if secret_name(name) and (space or name.lower() in ("authorization", "cookie")):
            return text if re.fullmatch(_REFERENCE, value.strip()) else f"{name}:{space}{MASK}"
    return text


def _login(value: str) -> str:
    """Mask a value, keeping the user of `user:password`."""
    user, colon, password = value.partition(":")
    if re.fullmatch(_REFERENCE, password if colon else value):
        return value
    return f"{user}:{MASK}" if colon and user and password else MASK


def _is_secret(name: str, value: str) -> bool:
    """Whether the value of an option of a secret name is worth masking."""
    if not value or value == MASK or re.fullmatch(_REFERENCE, value):
        return False
    upper = name.lstrip("-").upper().replace("-", "_").replace(".", "_")
    if upper.partition("_")[0] in _SWITCHES:
        return (
            len(value) >= 8 and entropy(value) >= 3.0 and any(c.isdigit() for c in value) and "." not in value
        )
    if upper.endswith(_DOUBTFUL) and not any(
        word in upper for word in ("API", "ACCESS", "PRIVATE", "SECRET", "ENCRYPT", "SIGNING", "LICENSE")
    ):
        return (
            len(value) >= 6
            and not value.startswith(("/", "./", "../"))
            and not re.fullmatch(r"[\d.]+", value)
        )
    return True


def _shell(text: str, depth: int) -> str:
    """Mask inside a string that a shell may split into words, leaving all else as it is written."""
    spans = [(found.start(), found.end()) for found in re.finditer(_WORD, text)]
    plain = [re.sub(_QUOTED, lambda m: m[1] or m[2] or m[3] or "", text[start:end]) for start, end in spans]
    cleaned = mask_words(plain, depth + 1)
    parts = []
    at = 0
    for (start, end), word, new in zip(spans, plain, cleaned, strict=True):
        if new != word:
            quote = next((char for char in text[start:end] if char in "'\""), "'")
            parts += [text[at:start], f"{quote}{new}{quote}" if re.search(r"\s", new) else new]
            at = end
    return "".join(parts) + text[at:]
