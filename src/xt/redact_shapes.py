"""Shapes of secrets in text: tokens that name their issuer, headers, logins, values behind telling names.

Loaded when `xt.redact` has seen a marker; a pattern is compiled when its own marker occurs.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """A pattern, and what has to occur in a text for it to be tried."""

    what: str
    """What it looks like, for a message."""
    markers: tuple[str, ...]
    pattern: str
    heads: tuple[str, ...] | None = None
    """What it begins with, or what stands right before it, for `xt.execute.tokens`; by default its markers.
    None at all: it is not sought in logs, for it has nothing of the sort."""

    @property
    def begins(self) -> tuple[str, ...]:
        """The same, as it is to be used."""
        return self.markers if self.heads is None else self.heads

    def applies(self, text: str) -> bool:
        """Whether it can occur in a text."""
        return any(marker in text for marker in self.markers)

    def compiled(self) -> re.Pattern[str]:
        """The pattern; `re` keeps what it compiled."""
        return re.compile(self.pattern)


#: Not in the middle of a word: base64 of anything would hold some of them.
_START = r"(?<![0-9A-Za-z_-])"
_END = r"(?![0-9A-Za-z])"

KEY = "a private key"
#: Keys of several lines: a marker, how they begin, and how they end.
BLOCKS = (
    ("PRIVATE KEY", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----", r"-----END [A-Z0-9 ]*-----"),
    ("PuTTY-User-Key-File", r"PuTTY-User-Key-File-\d", r"Private-MAC: \w+"),
)

#: Tokens that name their issuer; forms as their issuers document them.
ISSUED = [
    Shape(
        "a GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        r"(?<![0-9A-Za-z])gh[pousr]_[0-9A-Za-z]{20,255}",
    ),
    Shape("a GitHub token", ("github_pat_",), r"github_pat_[0-9A-Za-z_]{22,255}"),
    Shape(
        "a GitLab token",
        (
            "glpat-",
            "glrt-",
            "gldt-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glsoat-",
            "glffct-",
            "glrtr-",
        ),
        r"gl(?:pat|rtr|rt|dt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[0-9A-Za-z_.-]{20,}",
    ),
    Shape("a GitLab runner token", ("GR1348941",), r"GR1348941[\w-]{20}"),
    Shape("a Hugging Face token", ("hf_", "api_org_"), r"(?<![0-9A-Za-z_])(?:hf|api_org)_[0-9A-Za-z]{30,}"),
    # OpenAI and those whose keys look like its: projects, services, Anthropic, OpenRouter, Langfuse.
    # One part of them is long and has a letter behind a digit, unlike `sk-learn-random-forest-v2` and
    # `sk-learn-experiment20240101`.
    Shape(
        "an API key (sk-…)",
        ("sk-",),
        _START
        + r"sk-(?=[\w-]{0,200}?(?<![0-9A-Za-z])(?=[A-Za-z]{0,40}\d+[A-Za-z])[0-9A-Za-z]{12})"
        + r"[\w-]{20,}",
    ),
    Shape(
        "a Slack token",
        ("xox", "xapp-"),
        r"(?<![0-9A-Za-z])(?:xox[abceoprs](?:\.xox[bp])?|xapp)-[0-9A-Za-z-]{10,}",
        (*(f"xox{kind}-" for kind in "abceoprs"), "xapp-"),
    ),
    Shape(
        "a Slack webhook",
        ("hooks.slack.com/",),
        r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/]{20,}",
    ),
    Shape(
        "an AWS access key",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        r"(?<![0-9A-Za-z])A(?:[KS]I|BI|CC)A[0-9A-Z]{16}" + _END,
    ),
    Shape("an AWS Bedrock key", ("ABSK",), _START + r"ABSK[0-9A-Za-z+/]{100,}={0,2}"),
    Shape("a Google API key", ("AIza",), r"(?<![0-9A-Za-z])AIza[\w-]{35}"),
    Shape("a Google client secret", ("GOCSPX-",), r"GOCSPX-[\w-]{24,}"),
    Shape("a Google access token", ("ya29.",), r"(?<![0-9A-Za-z])ya29\.[\w-]{20,}"),
    Shape("an Azure client secret", ("Q~",), r"(?<![\w.~-])[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])", ()),
    Shape("an npm token", ("npm_",), r"(?<![0-9A-Za-z])npm_[0-9A-Za-z]{36}"),
    Shape("a PyPI token", ("pypi-",), r"pypi-[\w-]{50,}"),
    Shape("a RubyGems key", ("rubygems_",), r"rubygems_[0-9a-f]{48}"),
    Shape("a DigitalOcean token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"do[opr]_v1_[\w-]{20,}"),
    Shape("a Docker Hub token", ("dckr_pat_", "dckr_oat_"), r"dckr_[po]at_[\w-]{20,}"),
    # Not what people call so: `xai-explanations-of-resnet50`.
    Shape(
        "an API key",
        ("nvapi-", "gsk_", "xai-", "pplx-"),
        _START + r"(?:nvapi-[\w-]{20,}|(?:gsk_|xai-|pplx-)(?=[A-Za-z]{0,40}\d)[0-9A-Za-z]{20,})",
    ),
    Shape("a Replicate token", ("r8_",), _START + r"r8_[0-9A-Za-z]{37,40}" + _END),
    Shape("a Weights & Biases key", ("wandb_v1_",), r"wandb_v1_[\w-]{30,}"),
    Shape("a Kaggle token", ("KGAT_",), r"KGAT_[0-9a-f]{32}"),
    Shape("a LangSmith key", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}(?:_[0-9a-f]{10})?"),
    Shape("a SendGrid key", ("SG.",), r"(?<![0-9A-Za-z])SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    Shape("a Shopify token", ("shpat_", "shpss_", "shpca_", "shppa_"), r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),
    Shape("a Square token", ("sq0",), r"sq0[a-z]{3}-[\w-]{22,}", ("sq0atp-", "sq0csp-", "sq0idp-")),
    Shape(
        "a Stripe key",
        ("_live_", "k_test_", "whsec_"),
        r"(?<![0-9A-Za-z])(?:[sr]k_(?:live|test)|whsec)_[0-9A-Za-z+/=]{16,}",
        ("sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"),
    ),
    Shape("a Twilio key", ("SK",), _START + r"SK[0-9a-f]{32}" + _END),
    Shape("a Databricks token", ("dapi",), r"(?<![0-9A-Za-z])dapi[0-9a-f]{32}"),
    Shape("a Vault token", ("hvs.", "hvb.", "hvr."), _START + r"hv[sbr]\.[\w-]{24,}"),
    Shape("a Terraform token", (".atlasv1.",), r"[0-9A-Za-z]{14}\.atlasv1\.[\w=-]{60,70}", ()),
    Shape("an Atlassian token", ("ATATT3", "ATCTT3"), r"AT[AC]TT3[\w=-]{60,}"),
    Shape("a Grafana token", ("glc_", "glsa_"), _START + r"gl(?:c|sa)_[\w+/=]{32,}"),
    Shape("a Sentry token", ("sntrys_", "sntryu_"), r"sntry[su]_[\w+/=]{40,}"),
    Shape("a Tailscale key", ("tskey-",), r"tskey-[a-z]+-[\w-]{20,}"),
    Shape("a Linear key", ("lin_api_",), r"lin_api_[0-9A-Za-z]{32,}"),
    Shape("a Notion token", ("ntn_",), _START + r"ntn_[0-9A-Za-z]{40,}"),
    Shape("a New Relic key", ("NRAK-",), r"NRAK-[0-9A-Z]{27}"),
    Shape("a Telegram token", (":AA",), r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])", ()),
    Shape("a JSON web token", ("eyJ",), r"(?<![0-9A-Za-z])eyJ[\w-]{8,}\.eyJ[\w-]{4,}(?:\.[\w-]*)?"),
    Shape("an age key", ("AGE-SECRET-KEY-", "age-secret-key-"), r"(?i)AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}"),
    Shape(
        "a conda token",
        ("/t/tk-", "anaconda.org/t/"),
        r"(?:(?<=/t/)tk-|(?<=anaconda\.org/t/))[0-9A-Za-z-]{8,}(?=/|$|[\s\"'])",
        ("/t/tk-",),
    ),
    *(Shape(KEY, (marker,), f"(?s){begin}.*?(?:{end}|\\Z)", ()) for marker, begin, end in BLOCKS),
]
#: The groups named `s` are masked, what is around them stays.
HEADER = Shape(
    "a header that authorises",
    ("uthoriz", "UTHORIZ", "earer", "EARER"),
    r"(?i)(?:\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"'`]?(?:(?:basic|bearer|token|digest|negotiate|apikey)"
    r"\s{1,3}(?!\*))?(?!\w+\s+\*)|\bbearer\s{1,3}(?=[\w.~+/=-]{16}))(?P<s>(?!\*{3})[^\s\"'`,;]{4,})",
)
WANDB = Shape("a Weights & Biases key", ("wandb",), r"wandb\s+login\s+(?:--\S+\s+)*(?P<s>[0-9a-f]{40})\b")
#: Parts of connection strings, and keys of AWS, which have a name and a length and nothing else that tells.
PARTS = Shape(
    "a key of a connection string",
    ("AccountKey=", "SharedAccessKey=", "SharedAccessSignature="),
    r"(?:AccountKey|SharedAccessKey|SharedAccessSignature)=(?P<s>[\w+/%=.&-]{16,})",
)
AWS = Shape(
    "an AWS secret key",
    ("ecret_", "ECRET_", "ecretA"),
    r"(?i)aws_?secret_?(?:access_?)?key[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<s>[0-9a-z/+]{40})(?![0-9a-z/+=])",
)
ODBC = Shape(
    "a password of a connection string",
    (";Pwd=", ";PWD=", ";pwd="),
    r"(?i);pwd=(?![/.~$])(?P<s>\{[^}]+\}|[^;\s\"']{4,})",
)
ORACLE = Shape(
    "a password of a connection string", ("jdbc:oracle",), r"jdbc:oracle:\w+:[^/\s@:]+/(?P<s>[^@\s]+)@"
)
SQL = Shape(
    "a password in SQL",
    ("assword '", "ASSWORD '", " by '", " BY '"),
    r"(?i)\b(?:identified\s{1,3}(?:with\s{1,3}\S{1,60}\s{1,3})?by|password)\s{1,3}'(?P<s>[^'\s]{4,200})'",
)
NETRC = Shape("a login", (" password ",), r"\blogin\s+\S+\s+password\s+(?P<s>\S{4,})")
AROUND = (HEADER, WANDB, PARTS, AWS, ODBC, ORACLE, SQL, NETRC)
#: A name that holds such a word, and what it is set to.
NAMED = (
    r"(?i)(?:key|token|secret|passw|pass|pwd|auth|credential|cookie|signature)[\w-]{0,30}[\"']?\s{0,3}(?:=>|:=|[:=])"
    r"\s{0,3}[\"']?(?P<s>[0-9A-Za-z_.=+/-]{8,150})"
)
#: The same quoted or without a space, where the name leaves no doubt: whatever it looks like.
SURE = (
    r"(?i)(?:passw(?:or)?d|passphrase|secret|api_?key|access_?key|private_?key)[\w-]{0,30}"
    r"(?:=|[\"']?\s{0,2}[:=]\s{0,2}(?=[\"']))(?P<q>[\"']?)"
    r"(?P<s>[^\s\"'`,;&<>(){}\[\]]{4,150})"
)
#: An option in a text, such as the name of a job: `train --token x`, `['train', '--token', 'x']`.
OPTION = r"(?<![\w-])--(?P<n>[A-Za-z][\w.-]{0,60})[\"']?,? {1,3}[\"']?(?P<s>[^\s\"'`,;<>(){}\[\]]{6,200})"
