"""What is a secret: the only place with rules for names, URLs, text and command lines.

Names decide for variables and options (a list of words, no pattern to compile); shapes decide for text,
and only shapes that are hardly ever anything else: a hash or a UUID alone is never a secret. Everything
is lazy: the common case is a few substring tests, and a pattern is compiled when its marker occurs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MASK = "***"


def words(text: str) -> frozenset[str]:
    """Split a list of words."""
    return frozenset(text.split())


#: In a name (upper case, `-` and `.` as `_`) these make it secret wherever they stand.
_ALWAYS = (
    *("SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "API_KEY", "ACCESSKEY", "ACCESS_KEY"),
    *("PRIVATEKEY", "PRIVATE_KEY", "AUTHKEY", "AUTH_KEY", "CREDENTIAL", "JWT", "BEARER", "COOKIE"),
    *("CONNECTION_STRING", "CONNECTIONSTRING", "DATABASE_URL", "WEBHOOK", "MNEMONIC", "SEED_PHRASE"),
    *("PASSCODE", "ID_TOKEN_REQUEST", "SQL_ALCHEMY_CONN", "ACCOUNT_KEY", "ACCOUNTKEY"),
    *("PASSWORT", "KENNWORT", "MOT_DE_PASSE", "MOTDEPASSE", "CONTRASENA", "WACHTWOORD"),
)
_WHOLE = words(
    "GPG_AGENT_INFO KRB5CCNAME PASS PAT PWD PW OTP PSK CREDS ID_TOKEN KEY DSN TOKENS REDIS_URL MONGO_URL "
    "MONGODB_URI MONGO_URI AMQP_URL BROKER_URL CELERY_BROKER_URL POSTGRES_URL POSTGRESQL_URL "
    "MYSQL_URL CLOUDAMQP_URL"
)
#: Written in one word, unlike `COMPASS` and `BYPASS`.
_PASSES = (
    *(
        "SSHPASS",
        "DBPASS",
        "STOREPASS",
        "KEYPASS",
        "USERPASS",
        "ROOTPASS",
        "ADMINPASS",
        "BINDPASS",
        "REQUIREPASS",
    ),
    *("LDAPPASS", "SMTPPASS", "MAILPASS", "SQLPASS"),
)
_NOT = frozenset(("PWD", "OLDPWD", "SESSION_MANAGER", "SESSIONNAME", "DESKTOP_SESSION"))
#: A name that ends so tells where or what the secret is, not the secret itself.
_ABOUT = (
    *("_FILE", "_PATH", "_DIR", "_TYPE", "_TTL", "_EXPIRY", "_EXPIRES", "_TIMEOUT", "_LENGTH", "_LEN"),
    *("_SIZE", "_COUNT", "_LIMIT", "_STDIN", "_ALGORITHM", "_HELPER"),
)
#: Beside one of these, a TOKEN is a piece of text of a language model.
_TEXT_TOKEN = words(
    "MAX MIN NUM N NEW TOTAL PER PAD EOS BOS UNK CLS SEP STOP START END SPECIAL IMAGE ADDED CONTEXT "
    "INPUT OUTPUT PROMPT COMPLETION DIM DIMS ID IDS EMBED EMBEDDING EMBEDDINGS DROPOUT MERGING "
    "MIXING SHIFT CLASSIFICATION LEVEL LOSS PROB RATE BUDGET BATCH CLASS CHOOSE EXPERT EXPERTS DROP "
    "VALID IGNORE MASK MASKED TRAIN FIRST LAST"
)
#: Before KEY: the key of a table, a sort or a dictionary.
_DATA_KEY = words(
    "SORT PRIMARY FOREIGN GROUP JOIN PARTITION CACHE METRIC DICT JSON MERGE INDEX UNIQUE LABEL IMAGE "
    "TEXT INPUT OUTPUT PROMPT TARGET FEATURE COLUMN MONITOR PUBLIC HOT SHORTCUT DATA MESSAGES"
)
#: Before PASS: a pass over data.
_RUN_PASS = words("FIRST SECOND TWO ONE SINGLE MULTI NUM N FORWARD BACKWARD TEST ALL RENDER")
_DESKTOP = ("XDG_", "DESKTOP_", "GNOME_", "KDE_", "DBUS_", "TERM_", "TMUX", "ITERM_")


def secret_name(name: str) -> bool:
    """Whether a variable, option or field of that name is taken to hold a secret.

    Args:
        name: as written; case, leading dashes, and `-` or `.` instead of `_` do not matter.
    """
    upper = name.lstrip("-+").upper().replace("-", "_").replace(".", "_")
    if upper in _NOT or upper.endswith(_ABOUT):
        return False
    if upper in _WHOLE or any(word in upper for word in _ALWAYS):
        return True
    if (
        upper.endswith(("PWD", "_PAT", "_DSN", "_OTP", "_URL_AUTH", "_PW", "_PSK", "_CREDS", *_PASSES))
        or "SIGNATURE" in upper
        or "NETRC" in upper
    ):
        return True
    if "TOKEN" in upper and "TOKENI" not in upper:
        return _TEXT_TOKEN.isdisjoint(upper.split("_"))
    if "AUTH" in upper:
        rest = upper.replace("AUTHORIZ", "AUTH").replace("AUTHORIS", "AUTH").replace("AUTHOR", "")
        return "AUTH" in rest
    if upper.endswith("_KEY"):
        return upper.split("_")[-2] not in _DATA_KEY
    if upper.endswith("_PASS"):
        return upper.split("_")[-2] not in _RUN_PASS
    return "SESSION" in upper and not upper.startswith(_DESKTOP)


#: A command line without these holds no option, assignment, header, URL, document or shell line.
_PLAIN = frozenset('=:@<" \t\n')


#: Nor does one without these hold a secret in a place where a known tool has one.
_VERBS = words(
    "wandb set setenv login auth authtoken add-authtoken unseal put set-env AUTH passwd password add_user "
    "change_password modify config requirepass masterauth sqlplus user_pw owner_pw input_pw"
)

#: Without one of these in a text, no token in it names its issuer; the shapes are in `xt.redact_shapes`.
MARKERS = words(
    """
    ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- glrt- gldt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-
    glffct- glrtr- GR1348941 hf_ api_org_ sk- xox xapp- hooks.slack.com/ AKIA ASIA ABIA ACCA ABSK AIza GOCSPX-
    ya29. Q~ npm_ pypi- rubygems_ dop_v1_ doo_v1_ dor_v1_ dckr_pat_ dckr_oat_ nvapi- gsk_ xai- pplx- r8_
    wandb_v1_ KGAT_ lsv2_ SG. shpat_ shpss_ shpca_ shppa_ sq0 _live_ k_test_ whsec_ SK dapi hvs. hvb. hvr.
    .atlasv1. ATATT3 ATCTT3 glc_ glsa_ sntrys_ sntryu_ tskey- lin_api_ ntn_ NRAK- :AA eyJ AGE-SECRET-KEY-
    age-secret-key- /t/tk- anaconda.org/t/ PuTTY-User-Key-File
    """
) | {"PRIVATE KEY"}
#: The same for what is around a secret: headers, connection strings, logins.
AROUND_MARKERS = words(
    """
    uthoriz UTHORIZ earer EARER wandb AccountKey= SharedAccess ecret_ ECRET_ ecretA ;Pwd= ;PWD= ;pwd=
    jdbc:oracle
    """
) | {" password ", "assword '", "ASSWORD '", " by '", " BY '"}
NAMED_WORDS = ("key", "token", "secret", "pass", "pwd", "auth", "credential", "cookie", "signature")


def vendor_tokens(text: str) -> Iterator[str]:
    """Find tokens that are known by their shape alone."""
    if any(marker in text for marker in MARKERS):
        from xt.redact_shapes import ISSUED

        for shape in ISSUED:
            if shape.applies(text):
                for match in shape.compiled().finditer(text):
                    yield match[0]


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    from math import log2

    size = len(text)
    return -sum(n / size * log2(n / size) for n in (text.count(char) for char in set(text)))


def clean(text: str) -> str:
    """Mask what looks like a secret anywhere in text.

    Args:
        text: a value, an argument, a message; logs go through `xt.execute.mask` and `tokens` instead.
    """
    if len(text) < 8:
        return text
    text = clean_url(text)
    if any(marker in text for marker in MARKERS):
        from xt.redact_shapes import ISSUED

        for shape in ISSUED:
            if shape.applies(text):
                text = shape.compiled().sub(MASK, text)
    if any(marker in text for marker in AROUND_MARKERS):
        from xt.redact_shapes import AROUND

        for shape in AROUND:
            if shape.applies(text):
                text = shape.compiled().sub(_mask_group, text)
    # Not a list of folders such as PATH, whatever words these have.
    if "=" in text or text.count(":") > text.count(":/"):
        lower = text.lower()
        if any(word in lower for word in NAMED_WORDS):
            from xt.redact_shapes import NAMED, SURE

            text = re.sub(NAMED, _mask_named, text)
            text = re.sub(SURE, _mask_sure, text)
    if "--" in text and " " in text:
        lower = text.lower()
        if any(word in lower for word in NAMED_WORDS):
            from xt.redact_shapes import OPTION

            text = re.sub(OPTION, _mask_option, text)
    return text


def clean_argv(argv: list[str]) -> tuple[list[str], list[int]]:
    """Mask the secrets of a command line, also inside `sh -c` strings.

    Args:
        argv: decoded with `os.fsdecode`.

    Returns:
        The words to record, and the indices of those that were masked.
    """
    if any(word.startswith("-") or word in _VERBS or not _PLAIN.isdisjoint(word) for word in argv):
        from xt.redact_argv import mask_words

        cleaned = mask_words(argv)
    else:
        cleaned = [clean(word) for word in argv]
    return cleaned, [index for index, word in enumerate(argv) if cleaned[index] != word]


def _mask_group(match: re.Match[str]) -> str:
    start, end = match.start("s") - match.start(), match.end("s") - match.start()
    return match[0][:start] + MASK + match[0][end:]


def name_around(text: str, at: int) -> str:
    """Read the whole name that a word of is found at a place."""
    start = end = at
    while start and (text[start - 1].isalnum() or text[start - 1] in "_-."):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "_-."):
        end += 1
    return text[start:end]


def _mask_named(match: re.Match[str]) -> str:
    value = match["s"]
    if (
        not secret_name(name := name_around(match.string, match.start()))
        or entropy(value) < (2.8 if is_sure(name) and any(char.isdigit() for char in value) else 3.5)
        or len(value) < (8 if is_sure(name) else 10)
        or value.startswith(("/", "./", "../"))
    ):
        return match[0]
    return _mask_group(match)


def _mask_option(match: re.Match[str]) -> str:
    """Mask the value of an option in a text, where it is no word of that text."""
    value = match["s"]
    if not secret_name(match["n"]) or MASK in value or value.startswith(("/", "./", "../", "$", "-")):
        return match[0]
    return _mask_group(match) if any(c.isdigit() for c in value) and not value.isdigit() else match[0]


def _mask_sure(match: re.Match[str]) -> str:
    value = match["s"]
    if (
        not secret_name(name_around(match.string, match.start()))
        or MASK in value
        or value.lower() in _NO_VALUES
        or value.startswith(("$", "%", "/", "./", "../", "@env:"))
    ):
        return match[0]
    return _mask_group(match)


def clean_url(url: str) -> str:
    """Take credentials out of every URL in a text, keeping host, port and path.

    `https://user:pw@host` → `https://user:***@host`; a user that is a token itself is masked too, and so are
    secrets in the query or fragment. Git's `user@host:path` and `url.<URL>.insteadOf` are understood.
    """
    if "@" in url or ("=" in url and "://" in url):
        from xt.redact_url import mask_urls

        return mask_urls(url)
    return url


#: Values too common to be masked: masking them would garble logs and reveal nothing worth hiding.
_COMMON = words(
    "true false none null yes no on off enabled disabled default docker podman root admin user test "
    "guest localhost production staging development postgres mysql redis secret password passwd "
    "token changeme example 127.0.0.1 0.0.0.0 ubuntu debian unset dummy required optional basic "
    "bearer"
)
_NO_VALUES = frozenset(("true", "false", "none", "null", "secret"))
PLACES = ("HOME", "USER", "LOGNAME", "PWD", "SHELL", "HOSTNAME", "LANG", "TERM", "TMPDIR")


def secret_values(environ: Mapping[str, str], extra_names: list[str]) -> dict[str, str]:
    """Find the values that must not stand in a stored log.

    Args:
        environ: the variables.
        extra_names: further names whose values are secret, as declared.

    Returns:
        Values by name; a password inside a URL is named `NAME (password)`, a token `NAME (token)`. Left out
        are values under 6 characters (8 when not of a secret name) and common words: see `too_common`.
    """
    return _sort_out(environ, extra_names)[0]


def argv_secrets(argv: list[str]) -> dict[str, str]:
    """Find the parts of a command line that `clean_argv` masks, by `argument N`."""
    cleaned, redacted = clean_argv(argv)
    found = {}
    for index in redacted:
        for number, value in enumerate(taken(argv[index], cleaned[index])):
            if len(value) >= 8 and value.lower() not in _COMMON:
                found[f"argument {index}" + (f", part {number + 1}" if number else "")] = value
    return found


def taken(text: str, cleaned: str) -> list[str]:
    """List what masks stand for.

    Args:
        text: as it was.
        cleaned: the same with `***` in some places.
    """
    first, *kept = cleaned.split(MASK)
    if not kept or not text.startswith(first) or not text.endswith(kept[-1]):
        return []
    found = []
    at = len(first)
    for number, part in enumerate(kept):
        last = number == len(kept) - 1
        end = len(text) - len(part) if last else text.find(part, at) if part else at
        if end < at:
            break
        found.append(text[at:end])
        at = end + len(part)
    return [value for value in found if value and MASK not in value]


def is_sure(name: str) -> bool:
    """Whether a name of a secret leaves no doubt, whatever its value looks like."""
    upper = name.upper().replace("-", "_")
    return not upper.endswith(("NAME", "ID", "REF")) and any(
        word in upper for word in ("PASSW", "PASSPHRASE", "SECRET", "API_KEY", "APIKEY", "ACCESS_KEY")
    )


def worth_masking(name: str, value: str) -> bool:
    """Whether a value found behind a name is to be masked wherever it turns up, and not there alone."""
    if len(value) < 8 or value.lower() in _COMMON:
        return False
    return is_sure(name) or (any(char.isdigit() for char in value) and entropy(value) >= 3.0)


def too_common(environ: Mapping[str, str], extra_names: list[str]) -> list[str]:
    """Name the secret variables whose values are too short or too common to be masked."""
    return _sort_out(environ, extra_names)[1]


def _sort_out(environ: Mapping[str, str], extra_names: list[str]) -> tuple[dict[str, str], list[str]]:
    places = {environ[name] for name in PLACES if name in environ}
    places.update(part for place in list(places) for part in place.split("/"))
    values: dict[str, str] = {}
    common = []

    def add(name: str, value: str, least: int) -> None:
        if len(value) < least or value.lower() in _COMMON or value in places:
            common.append(name)
        else:
            values[name] = value

    # One search in all of them: nearly always there is none.
    every = "\n".join(environ.values())
    tokens = any(marker in every for marker in MARKERS)
    for name, value in environ.items():
        if value and (name in extra_names or secret_name(name)):
            add(name, value, 6)
        if len(value) < 12:
            continue
        if "=" in value and (lower := value.lower()) and any(word in lower for word in NAMED_WORDS):
            for part in taken(value, clean(value)):
                if len(part) >= 8 and part != values.get(name):
                    values[f"{name} (part)"] = part
        at = value.find("://")
        if at >= 0 and "@" in value:
            from xt.redact_url import authority

            _, colon, password = authority(value[at + 3 :])[0].partition(":")
            if colon and password:
                add(f"{name} (password)", password, 8)
        for token in vendor_tokens(value) if tokens else ():
            if token != value or name not in values:
                values[f"{name} (token)"] = token
    return values, common
