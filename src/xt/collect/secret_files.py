"""Files that are named as files with secrets are."""

from __future__ import annotations

#: Names that hold secrets nearly always. `.example`, `.sample` and `.template` are meant to be shared.
_SECRET_NAMES = frozenset(
    (
        *(".env", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".git-credentials"),
        *(".vault-token", ".databrickscfg", ".htpasswd", "credentials", ".envrc", ".my.cnf", ".dockercfg"),
        *("kubeconfig", "token", "token.txt", "tokens.txt", "kaggle.json", ".boto", "rclone.conf"),
        *("password", "password.txt", "passwords.txt", "api_key", "api_key.txt", "apikey.txt", "secret.txt"),
    )
)
_SECRET_STARTS = (".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "credentials.", "secrets.")
_SECRET_ENDS = (
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".kdbx",
    ".env",
    "_token",
    ".tfstate",
    ".tfvars",
    ".ppk",
)
_SECRET_JSON = ("service-account", "service_account")
_SECRET_FOLDERS = frozenset((".aws", ".ssh", ".gnupg", ".kube", ".docker"))
_SHARED_ENDS = (".example", ".sample", ".template", ".pub")


def is_secret_file(path: str) -> bool:
    """Whether a file is named as files with secrets are."""
    *folders, name = path.split("/")
    name = name.lower()
    if name.endswith(_SHARED_ENDS):
        return False
    return (
        name in _SECRET_NAMES
        or name.startswith(_SECRET_STARTS)
        or name.endswith(_SECRET_ENDS)
        or (name.endswith(".json") and (name.startswith(_SECRET_JSON) or "credentials" in name))
        or not _SECRET_FOLDERS.isdisjoint(folders)
    )
