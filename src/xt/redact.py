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
    *("CONNECTION_STRING", "CONNECTIONSTRING", "DATABASE_URL", "WEBHOOK", "MNEMONIC"),
)
_WHOLE = words(
    "GPG_AGENT_INFO KRB5CCNAME PASS PAT PWD KEY DSN TOKENS REDIS_URL MONGO_URL MONGODB_URI MONGO_URI "
    "AMQP_URL BROKER_URL CELERY_BROKER_URL POSTGRES_URL POSTGRESQL_URL MYSQL_URL CLOUDAMQP_URL"
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
    "VALID IGNORE MASKED TRAIN FIRST LAST"
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
        upper.endswith(("PWD", "_PAT", "_DSN", "_OTP", "_URL_AUTH"))
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


#: A command line without these holds no option, assignment, header, URL or shell line.
_PLAIN = frozenset("=:@ \t\n")


class _Rule:
    """A shape of text: a pattern that is compiled when one of its markers occurs."""

    def __init__(self, markers: tuple[str, ...], pattern: str) -> None:
        self.markers = markers
        self.pattern = pattern

    def applies(self, text: str) -> bool:
        return any(marker in text for marker in self.markers)

    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)  # `re` keeps what it compiled


#: Tokens that name their issuer, sources: the issuers' documentation and the rules of gitleaks.
_VENDORS = [
    _Rule(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"(?<![0-9A-Za-z])gh[pousr]_[0-9A-Za-z]{20,255}"),
    _Rule(("github_pat_",), r"github_pat_[0-9A-Za-z_]{22,255}"),
    _Rule(("glpat-", "glrt-", "gldt-", "glcbt-"), r"gl(?:pat|rt|dt|cbt)-[0-9A-Za-z_.-]{20,}"),
    _Rule(("hf_", "api_org_"), r"(?<![0-9A-Za-z_])(?:hf|api_org)_[0-9A-Za-z]{30,}"),
    _Rule(("sk-",), r"(?<![0-9A-Za-z_-])sk-(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}"),
    _Rule(("xox", "xapp-"), r"(?<![0-9A-Za-z])(?:xox[abceoprs]|xapp)-[0-9A-Za-z-]{10,}"),
    _Rule(("AKIA", "ASIA"), r"(?<![0-9A-Za-z])A[KS]IA[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _Rule(("AIza",), r"(?<![0-9A-Za-z])AIza[\w-]{35}"),
    _Rule(("ya29.",), r"(?<![0-9A-Za-z])ya29\.[\w-]{20,}"),
    _Rule(("npm_",), r"(?<![0-9A-Za-z])npm_[0-9A-Za-z]{36}"),
    _Rule(("pypi-",), r"pypi-[\w-]{50,}"),
    _Rule(("dop_v1_", "dckr_pat_", "nvapi-", "gsk_"), r"(?:dop_v1_|dckr_pat_|nvapi-|gsk_)[\w-]{20,}"),
    _Rule(("SG.",), r"(?<![0-9A-Za-z])SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _Rule(("shpat_", "shpss_", "shpca_"), r"shp(?:at|ss|ca)_[0-9a-fA-F]{32}"),
    _Rule(("sq0",), r"sq0[a-z]{3}-[\w-]{22,}"),
    _Rule(("_live_",), r"(?<![0-9A-Za-z])[sr]k_live_[0-9A-Za-z]{16,}"),
    _Rule(("dapi",), r"(?<![0-9A-Za-z])dapi[0-9a-f]{32}"),
    _Rule(("eyJ",), r"(?<![0-9A-Za-z])eyJ[\w-]{8,}\.eyJ[\w-]{4,}(?:\.[\w-]*)?"),
    _Rule(
        ("PRIVATE KEY",),
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
    ),
    _Rule(("hooks.slack.com/",), r"(?<=hooks\.slack\.com/)(?:services|workflows)/[\w/]{20,}"),
]
#: The groups named `s` are masked, what is around them stays.
_HEADER = _Rule(
    ("uthoriz", "UTHORIZ", "earer", "EARER"),
    r"(?i)(?:\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:basic|bearer|token|digest|negotiate|apikey)"
    r"\s{1,3}(?!\*))?(?!\w+\s+\*)|\bbearer\s{1,3}(?=[\w.~+/=-]{16}))(?P<s>[^\s\"',;]{4,})",
)
_WANDB = _Rule(("wandb",), r"wandb\s+login\s+(?:--\S+\s+)*(?P<s>[0-9a-f]{40})\b")
_NAMED = (
    r"(?i)(?:key|token|secret|passw|pass|pwd|auth|credential|cookie|signature)[\w-]{0,30}[\"']?\s{0,3}(?:=>|:=|[:=])"
    r"\s{0,3}[\"']?(?P<s>[0-9A-Za-z_.=+/-]{10,150})"
)
_NAMED_WORDS = ("key", "token", "secret", "pass", "pwd", "auth", "credential", "cookie", "signature")


def vendor_tokens(text: str) -> Iterator[str]:
    """Find tokens that are known by their shape alone."""
    for rule in _VENDORS:
        if rule.applies(text):
            for match in rule.compiled().finditer(text):
                yield match[0]


def header_values(text: str) -> Iterator[str]:
    """Find what stands in headers that authorise, and is not masked."""
    if _HEADER.applies(text):
        for match in _HEADER.compiled().finditer(text):
            if MASK not in match["s"]:
                yield match["s"]


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    from math import log2

    size = len(text)
    return -sum(n / size * log2(n / size) for n in (text.count(char) for char in set(text)))


def clean(text: str) -> str:
    """Mask what looks like a secret anywhere in text.

    Args:
        text: a value, an argument, a message; long logs go through `xt.execute.mask` instead.
    """
    if len(text) < 8:
        return text
    text = clean_url(text)
    for rule in _VENDORS:
        if rule.applies(text):
            text = rule.compiled().sub(MASK, text)
    for rule in (_HEADER, _WANDB):
        if rule.applies(text):
            text = rule.compiled().sub(_mask_group, text)
    if "=" in text or ":" in text:
        lower = text.lower()
        if any(word in lower for word in _NAMED_WORDS):
            text = re.sub(_NAMED, _mask_named, text)
    return text


def clean_argv(argv: list[str]) -> tuple[list[str], list[int]]:
    """Mask the secrets of a command line, also inside `sh -c` strings.

    Args:
        argv: decoded with `os.fsdecode`.

    Returns:
        The words to record, and the indices of those that were masked.
    """
    if any(word.startswith("-") or word in ("wandb", "set") or not _PLAIN.isdisjoint(word) for word in argv):
        from xt.redact_argv import mask_words

        cleaned = mask_words(argv)
    else:
        cleaned = [clean(word) for word in argv]
    return cleaned, [index for index, word in enumerate(argv) if cleaned[index] != word]


def _mask_group(match: re.Match[str]) -> str:
    start, end = match.start("s") - match.start(), match.end("s") - match.start()
    return match[0][:start] + MASK + match[0][end:]


def _mask_named(match: re.Match[str]) -> str:
    start = match.start()
    while start and (match.string[start - 1].isalnum() or match.string[start - 1] in "_-."):
        start -= 1
    end = match.start()
    while end < len(match.string) and (match.string[end].isalnum() or match.string[end] in "_-."):
        end += 1
    value = match["s"]
    if (
        not secret_name(match.string[start:end])
        or entropy(value) < 3.5
        or value.startswith(("/", "./", "../"))
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
_PLACES = ("HOME", "USER", "LOGNAME", "PWD", "SHELL", "HOSTNAME", "LANG", "TERM", "TMPDIR")


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
        before, mask, after = cleaned[index].partition(MASK)
        value = argv[index][len(before) : len(argv[index]) - len(after)] if MASK not in after else ""
        if mask and len(value) >= 8 and value.lower() not in _COMMON:
            found[f"argument {index}"] = value
    return found


def too_common(environ: Mapping[str, str], extra_names: list[str]) -> list[str]:
    """Name the secret variables whose values are too short or too common to be masked."""
    return _sort_out(environ, extra_names)[1]


def _sort_out(environ: Mapping[str, str], extra_names: list[str]) -> tuple[dict[str, str], list[str]]:
    places = {environ[name] for name in _PLACES if name in environ}
    places.update(part for place in list(places) for part in place.split("/"))
    values: dict[str, str] = {}
    common = []

    def add(name: str, value: str, least: int) -> None:
        if len(value) < least or value.lower() in _COMMON or value in places:
            common.append(name)
        else:
            values[name] = value

    for name, value in environ.items():
        if value and (name in extra_names or secret_name(name)):
            add(name, value, 6)
        if len(value) < 12:
            continue
        at = value.find("://")
        if at >= 0 and "@" in value:
            from xt.redact_url import authority

            _, colon, password = authority(value[at + 3 :])[0].partition(":")
            if colon and password:
                add(f"{name} (password)", password, 8)
        for token in vendor_tokens(value):
            if token != value or name not in values:
                values[f"{name} (token)"] = token
    return values, common
