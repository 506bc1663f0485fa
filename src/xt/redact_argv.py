"""Secrets in a command line: options, assignments, headers, logins of known tools, shell strings."""

from __future__ import annotations

import re

from xt.redact import MASK, clean, entropy, secret_name, taken, words
from xt.redact_tools import CLUSTERS, Options, Places

#: An option that begins so switches something; the word after it is a secret only if it looks like one.
_SWITCHES = words(
    "NO USE SKIP ENABLE DISABLE WITH WITHOUT ASK PROMPT ALLOW HAS IS REQUIRE CHECK SHOW HIDE GENERATE PRINT"
)
_SWITCHED = words("true false none null yes no on off")
#: Names that are often something harmless: masked only when the value could be a secret.
_DOUBTFUL = ("KEY", "AUTH", "SESSION", "SESSION_ID", "COOKIE", "SIGNATURE", "PASS")
#: What files with keys are called: a name of one is none.
_KEY_FILES = (".key", ".pem", ".pub", ".crt", ".cer", ".der", ".p12", ".pfx", ".asc", ".gpg", ".json", ".txt")
_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "fish", "su"))
_INTERPRETERS = r"(?:python|pypy|ipython|perl|ruby|lua)[\d.]*|node|deno|bun|R|Rscript|julia|php"
_CODE_OPTION = r"-[A-Za-z]*[ceErp]|--eval|--print"
_LITERAL = r"(?P<f>[A-Za-z]{0,2})(?P<q>[\"'])(?P<s>(?:[^\"'\\\n]|\\.|(?!(?P=q))[\"'])*)(?P=q)"
#: In code only what is quoted is a value: all else is the name of one.
_CODE_PAIR = (
    r"(?<![\w.-])(?P<n>[A-Za-z_][\w.-]{0,80})(?:\\?[\"'])?[\]}]?\s{0,3}(?:=>|:=|<-|[=:])\s{0,3}" + _LITERAL
)
_OPTION = r"-{1,2}[A-Za-z][\w.-]*"
_REFERENCE = r"\$(?:\w+|\{\w+\}|\([^()]*\))"
_WORD = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\{[^}]*\}|\$\([^()]*\)|[^\s;|&()<>'"\\])+"""
#: What stands between several settings of one word.
_LISTS = frozenset(",;&{}[]\"'")
#: Without one of these nothing stands beside its name.
_AROUND = frozenset("\"'<@")
_PAIR = (
    r"(?<![\w.-])(?P<n>[A-Za-z_][\w.-]{0,80})(?P<k>[\"']?\]?)\s{0,3}(?P<e>[=:])\s{0,3}"
    r"(?P<v>\"[^\"]*\"|'[^']*'|(?:(?i:bearer|basic|digest|token|apikey)\s{1,3})?[^\s,;&{}\[\]\"']+)"
)
#: What a shell hands to a tool that reads a secret from its standard input.
_PIPED = (
    r"(?:echo|printf)(?:\s+-[neE]+)*(?:\s+[\"']?%s(?:\\n)?[\"']?)?\s+(?P<s>[^|;&]+?)\s*\|\s*"
    r"[^|;&]*(?:-stdin\b|--with-token\b|\bsudo\s+-\w*S|\bchpasswd\b|\bpasswd\b)"
)
_ENDS = frozenset(";|&()\n")
_QUOTED = r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)"""


def mask_words(argv: list[str], depth: int = 0) -> list[str]:
    """Mask the secrets among the words of one command line.

    Args:
        argv: the words.
        depth: how many shell strings this one is inside of.
    """
    options, places = Options(), Places()
    result: list[str] = []
    pending = ""
    started = False
    shell = coded = False
    for index, word in enumerate(argv):
        if pending:
            name, pending = pending, ""
            # A negative number or another option is no value; what a tool is given that way may begin so.
            if (not word.startswith("-") or options.flags.get(name) == "") and _is_secret(name, word):
                result.append(_told(word, options.flags.get(name, "")))
                continue
        before = argv[index - 1] if index else ""
        base = word.rpartition("/")[2]
        if depth and "=" in base and not base.startswith("-"):
            base = base.rpartition("=")[2]  # `ProxyCommand=sshpass -p …`
        spaced = depth < 3 and re.search(r"\s", word) is not None
        if coded and depth < 3 and re.fullmatch(_CODE_OPTION, before):
            result.append(_code(word, depth))
            continue
        if spaced and shell and index >= 2 and re.fullmatch(r"-[a-z]*c", before):
            result.append(clean(_beside(_shell(word, depth))))
            continue
        if base in _SHELLS or re.fullmatch(_INTERPRETERS, base):
            shell = base in _SHELLS
            coded = not shell
        elif not word.startswith("-") and before not in ("-W", "-X"):
            coded = False  # a script: what follows are its own options
        if started and not word.startswith("-"):
            options.forget("sshpass")  # its own options end where its command begins
            started = False
        started = started or base == "sshpass"
        placed = places.masked(word)
        options.meet(base, before)
        masked, pending = _one(word, options.flags, _is_header(word, before, places.tools))
        named = places.names(word)  # `aws configure set NAME VALUE` and the like
        if placed is not None:
            result.append(placed)
            pending = ""
            continue
        pending = pending or (word if named else "")
        found = _beside(masked)
        if word[:1] in ("{", "["):
            found = _pairs(found)  # before its spaces are taken for those of a shell
        if masked == word and spaced:
            found = _shell(found, depth)
        result.append(clean(_pairs(found)))
    return result


def _code(text: str, depth: int) -> str:
    """Mask inside a program that an interpreter is given as a word: `max(d, key=d.get)` holds no secret."""

    def pair(match: re.Match[str]) -> str:
        value = match["s"]
        is_made = "f" in match["f"].lower() and "{" in value
        if MASK in value or is_made or not _secret_name(match["n"]) or not _is_secret(match["n"], value):
            return match[0]
        start, end = match.start("s") - match.start(), match.end("s") - match.start()
        return match[0][:start] + MASK + match[0][end:]

    def literal(match: re.Match[str]) -> str:
        (masked,) = mask_words([match["s"]], depth + 1)
        return f"{match['f']}{match['q']}{masked}{match['q']}"

    return re.sub(_LITERAL, literal, re.sub(_CODE_PAIR, pair, _beside(text)))


def _beside(word: str) -> str:
    """Mask what stands beside the name of a secret, where a word is of more than a name and a value."""
    if _AROUND.isdisjoint(word):
        return word
    from xt.redact_beside import mask_beside

    return mask_beside(word)


def _is_header(word: str, before: str, tools: set[str]) -> bool:
    """Whether a word can be nothing but a header, or is a word of a tool that takes them as words."""
    return (
        before in ("-H", "--header", "--proxy-header")
        or word.startswith(("-H", "--header=", "--proxy-header="))
        or not tools.isdisjoint(("http", "https", "xh"))
    )


def _one(word: str, flags: dict[str, str], header: bool) -> tuple[str, str]:
    """Mask one word; also give the option whose value is the next word, or ''."""
    for flag, how in flags.items():
        if word == flag:
            return (word, "") if how == "=" else (word, flag)
        if word.startswith(flag) and how != "!" and (len(flag) == 2 or how == "="):
            return flag + _told(word[len(flag) :], how), ""
        if word.startswith(flag + "="):
            return f"{flag}={_told(word[len(flag) + 1 :], how)}", ""
        if flag in CLUSTERS and re.fullmatch(CLUSTERS[flag], word):
            return word, flag
    if word.startswith("-"):
        name, equals, value = word.partition("=")
        if re.fullmatch(_OPTION, name) and _secret_name(name):
            if equals:
                return (f"{name}={MASK}" if _is_secret(name, value) else word), ""
            return word, name
        if name.startswith("--//"):
            return _assignment(word), ""
        if equals and "=" in value:  # as in `--env=NAME=VALUE`
            return f"{name}={_assignment(value)}", ""
        text = value if equals else word[2:] if word.startswith("-H") else ""
        return (word[: len(word) - len(text)] + _header(text, header) if text else word), ""
    if told := re.fullmatch(r"(?i)((?:bearer|basic)\s+)[\w.~+/=-]{4,}([}\])]*)", word):
        return f"{told[1]}{MASK}{told[2]}", ""
    name, equals, value = word.partition("=")
    if equals and name.lower().endswith(".extraheader"):
        return f"{name}={_header(value, True)}", ""
    return _header(_assignment(word), header), ""


def _secret_name(name: str) -> bool:
    """Whether an option or setting is named like a secret; `pwd` may be one here, and is no folder then."""
    return secret_name(name) or _upper(name).rpartition("_")[2] in ("PWD", "PW")


def _upper(name: str) -> str:
    return name.lstrip("-+").upper().replace("-", "_").replace(".", "_")


def _assignment(word: str) -> str:
    """Mask the value of `NAME=VALUE` when the name is secret."""
    name, equals, value = word.partition("=")
    bare = name.rstrip(":?+")
    if name.lstrip("-").startswith("//"):  # `//registry.npmjs.org/:_authToken=VALUE`
        bare = name.rpartition(":")[2]
    if (
        equals
        and re.fullmatch(r"\+{0,2}[A-Za-z_][\w.-]*", bare)
        and _secret_name(bare)
        and _is_secret(bare, value)
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
    if MASK in inner or not _secret_name(name) or not _is_secret(name, inner):
        return match[0]
    return match[0][: len(match[0]) - len(value)] + quote + MASK + quote


def _header(text: str, sure: bool) -> str:
    """Mask the value of a header that is named like a secret; without a space only where it is surely one."""
    name, colon, value = text.partition(":")
    if colon and value.strip() and re.fullmatch(r"[A-Za-z][\w-]*", name) and not value.startswith("//"):
        space = value[: len(value) - len(value.lstrip())]
        if secret_name(name) and (sure or space or name.lower() in ("authorization", "cookie")):
            return text if re.fullmatch(_REFERENCE, value.strip()) else f"{name}:{space}{MASK}"
    return text


def _told(value: str, how: str) -> str:
    """Mask a value that a tool is given by an option, keeping the user of a login.

    Args:
        value: the whole of it.
        how: as in the table of `xt.redact_tools`.
    """
    user, separator, password = value, "", ""
    if how and how in "@:":
        user, separator, password = re.fullmatch(r"(?s)([^:,%=]*)([:,%=]?)(.*)", value).groups()  # type: ignore[union-attr]
    if re.fullmatch(_REFERENCE, password if separator else value) or (how == ":" and not password):
        return value
    return f"{user}{separator}{MASK}" if user and password else MASK


def _is_secret(name: str, value: str) -> bool:
    """Whether the value of an option of a secret name is worth masking."""
    if not value or value == MASK or value.lower() in _SWITCHED or re.fullmatch(_REFERENCE, value):
        return False
    upper = _upper(name)
    if upper.endswith("PWD") and value.startswith((".", "/", "~", "$")):
        return False
    if upper.partition("_")[0] in _SWITCHES:
        return (
            len(value) >= 8 and entropy(value) >= 3.0 and any(c.isdigit() for c in value) and "." not in value
        )
    if upper.endswith(_DOUBTFUL) and not any(
        word in upper for word in ("API", "ACCESS", "PRIVATE", "SECRET", "ENCRYPT", "SIGNING", "LICENSE")
    ):
        return (
            len(value) >= 6
            and not value.startswith(("/", "./", "../", "~/"))
            and not value.endswith(_KEY_FILES)
            and not re.fullmatch(r"[\d.]+", value)
        )
    return True


def _shell(text: str, depth: int) -> str:
    """Mask inside a string that a shell may split into words, leaving all else as it is written."""
    spans = [(found.start(), found.end()) for found in re.finditer(_WORD, text)]
    plain = [_unquoted(text[start:end]) for start, end in spans]
    cleaned: list[str] = []
    for index, (_, end) in enumerate(spans, 1):
        # Options of one command are none of the next: `curl -O u && python -u train.py`.
        if index == len(spans) or _ends_command(text[end : spans[index][0]]):
            cleaned += mask_words(plain[len(cleaned) : index], depth + 1)
    piped = {index for match in re.finditer(_PIPED, text) for index in _within(spans, match)}
    cleaned = [
        MASK if index in piped and "$" not in plain[index] else new for index, new in enumerate(cleaned)
    ]
    parts = []
    at = 0
    for (start, end), word, new in zip(spans, plain, cleaned, strict=True):
        if new != word:
            parts += [text[at:start], _requoted(text[start:end], word, new)]
            at = end
    return "".join(parts) + text[at:]


def _ends_command(between: str) -> bool:
    """Whether what stands between two words of a shell ends a command; a line may go on, `2>&1` does."""
    return not _ENDS.isdisjoint(re.sub(r"\\\n|[<>]&|&>", "", between))


def _unquoted(text: str) -> str:
    return re.sub(_QUOTED, lambda m: m[1] or m[2] or m[3] or "", text)


def _requoted(text: str, plain: str, masked: str) -> str:
    """Mask a word of a shell as it is written: what was there is read off what stays the same."""
    written = text
    for part in taken(plain, masked):
        written = written.replace(part, MASK, 1)
    if _unquoted(written) == masked:
        return written
    quote = next((char for char in text if char in "'\""), "'")
    return f"{quote}{masked}{quote}" if re.search(r"\s", masked) else masked


def _within(spans: list[tuple[int, int]], match: re.Match[str]) -> list[int]:
    return [
        index
        for index, (start, end) in enumerate(spans)
        if match.start("s") <= start and end <= match.end("s")
    ]
