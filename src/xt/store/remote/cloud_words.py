"""What a cloud store answers when it does not do what was asked, in one line.

The library gives a text of many lines; what stands in it is looked for here.
"""

from __future__ import annotations

import re

from xt.errors import RemoteError
from xt.redact import clean_url

#: Characters of an answer that is not known.
LONGEST = 240
_CHAINS = {
    "s3": "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, `AWS_PROFILE`, or a role of the machine",
    "gs": "`GOOGLE_APPLICATION_CREDENTIALS`, `gcloud auth application-default login`, or a role",
    "az": "`AZURE_STORAGE_ACCOUNT_NAME` with `AZURE_STORAGE_ACCOUNT_KEY` or `AZURE_STORAGE_SAS_KEY`",
}
#: A pattern in the whole text, what it means, what would help: None for how credentials are given.
_MEANINGS: tuple[tuple[str, str, str | None], ...] = (
    (
        r"RequestTimeTooSkewed|RequestExpired|RequestIsNotYetValid|not yet valid",
        "the clock here and the clock there differ too much for a signature to be valid",
        "set the clock of this machine: `timedatectl` says what it thinks",
    ),
    (
        r"ExpiredToken|TokenRefreshRequired|InvalidToken|token (?:is|has) expired|Signature not valid in",
        "the credentials have expired",
        "log in again, as you did for these",
    ),
    (
        r"NoSuchBucket|ContainerNotFound|The specified bucket does not exist",
        "there is no such bucket",
        "create it first",
    ),
    (
        r"/latest/(?:api/token|meta-data/iam)|computeMetadata|169\.254\.170\.|Account must be specified"
        r"|MissingCredentials|Missing AccessKeyId|Missing SecretAccessKey|metadata/identity",
        "no credentials were found",
        None,
    ),
    (
        r"InvalidAccessKeyId|AuthenticationFailed|InvalidAuthenticationInfo",
        "the access key is not known there",
        None,
    ),
    (r"SignatureDoesNotMatch", "the secret of the access key is wrong", None),
    (
        r"PermanentRedirect|AuthorizationHeaderMalformed|Received redirect without LOCATION|code: 301",
        "the bucket is in another region",
        "set `AWS_REGION` to its region",
    ),
    (
        r"SlowDown|TooManyRequests|ServerBusy|code: (?:429|503)",
        "it is asked too much, or out of order",
        "try again later",
    ),
    (r"code: 401", "it wants other credentials", None),
    (
        r"AccessDenied|code: 403",
        "these credentials are not allowed to do that",
        "ask who runs it for the permission",
    ),
    (r"code: 5\d\d", "it has trouble of its own", "try again later"),
    (
        r"code: 3\d\d",
        "it sends writers elsewhere, which is not followed",
        "name its real address as the endpoint",
    ),
    (r"dns error|failed to lookup address", "its host is not known", "is the endpoint right?"),
    (r"[Cc]onnection refused", "nobody listens there", "is the endpoint right?"),
    (
        r"certificate|UnknownIssuer|InvalidCertificate",
        "its certificate is not trusted",
        "`SSL_CERT_FILE` names further ones",
    ),
    (r"TimedOut|timed out|operation timed out", "it does not answer in time", "the same command goes on"),
    (
        r"error sending request|response body|Content-Range|connection closed",
        "the connection broke off",
        "the same command goes on",
    ),
    (
        r"ETag Header missing|Invalid list response|expected value|missing field",
        "what answers is no such store",
        "is the endpoint right?",
    ),
)


def said(error: Exception, scheme: str, url: str, name: str) -> RemoteError:
    """Word what went wrong.

    Args:
        error: of the library.
        scheme: `s3`, `gs` or `az`.
        url: of the remote, without credentials.
        name: what it was about.
    """
    text = str(error)
    where = f"`{url}`" + (f": `{name}`" if name else "")
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, text):
            about = re.search(r"status code: (\d{3})", text)
            code = f" ({about[1]})" if about and "code:" in pattern else ""
            return RemoteError(f"{where}: {meaning}{code}", hint or f"credentials: {_CHAINS[scheme]}")
    told = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
    why = told[1] if told else text.partition("\n\nDebug source")[0]
    why = clean_url(" ".join(why.split()))
    return RemoteError(f"{where}: {why[:LONGEST] + '…' if len(why) > LONGEST else why}")
