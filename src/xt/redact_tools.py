"""Well-known tools that are given secrets by options or words that do not say so.

Loaded when a command line has options or one of the `VERBS`.
"""

from __future__ import annotations

import re

from xt.redact import MASK, secret_name, words

#: `tool [word] | options`: these take a secret, with `word` only behind it. One that ends in `@` takes a
#: login, of which the user stays; in `:`, something that holds a secret only behind a colon. `=`: glued to
#: it; `!`: never.
_OPTIONS = """
curl | -u@ --user@ -U@ --proxy-user@ -E: --cert: --oauth2-bearer --pass --proxy-pass
curl | --proxy-cert: -b: --cookie: --tlspassword --proxy-tlspassword
http https xh | -a@ --auth@
mysql mysqldump mysqladmin mysqlimport mysqlcheck mariadb mariadb-dump mariadb-admin mysqlsh | -p=
7z 7za 7zr 7zz rar unrar | -p= -hp=
sshpass | -p
redis-cli | -a --pass
ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldapcompare ldappasswd | -w
ldappasswd | -s
smbclient rpcclient smbget | -U@
docker podman nerdctl buildah skopeo oras crane helm apptainer singularity az oc cf login | -p
oras push | -p
oras pull | -p
skopeo podman buildah | --creds: --src-creds: --dest-creds:
az secret | --value
aws ssm | --value
aws secretsmanager | --secret-string --secret-binary
gh secret | -b --body
kubectl oc secret | --from-literal@
mongo mongosh mongodump mongorestore mongoexport mongoimport | -p
zip zipcloak | -P
unzip | -P
openssl | -pass@ -passin@ -passout@ -password@ -k! -K!
ssh-keygen | -N -P
twine upload | -p
poetry publish | -p
uv publish | -p -t
sqlcmd bcp mosquitto_pub mosquitto_sub mosquitto_rr ipmitool p4 | -P
beeline cqlsh rabbitmqadmin rdesktop useradd usermod | -p
snmpwalk snmpget snmpset snmpbulkwalk | -A -X -c
lftp | -u@
vercel doctl anaconda codecov influx | -t!
kaggle set | -v
prefect login | -k
nuget dotnet gem push | -k
etcdctl | --user@
yt-dlp youtube-dl supervisorctl ncftpput ncftpget | -p
hey | -a@
ab | -A@ -P@
transmission-remote | -n@
swaks | -ap
sendemail | -xp
xfreerdp wlfreerdp | /p:=
"""
#: Words that are often something else: a tool only where they are not the value of an option.
COMMON = words("http https zip rar oc login crane helm influx")
#: `tool verb positions`: which words behind the verb, options not counted, are secrets.
_PLACES = """
vault login 0
cargo login 0
wandb login 0
snyk auth 0
ngrok authtoken 0
ngrok add-authtoken 0
redis-cli auth 0,1
redis-cli requirepass 0
redis-cli masterauth 0
rabbitmqctl add_user 1
rabbitmqctl change_password 1
mc set 3
mc add 3
openssl passwd 0
pdftk user_pw 0
pdftk owner_pw 0
pdftk input_pw 0
nmcli password 0
poetry pypi-token.* 0
poetry http-basic.* 1
composer http-basic.* 1
composer github-oauth.* 0
composer gitlab-token.* 0
composer gitlab-oauth.* 0
composer bearer.* 0
qpdf --encrypt 0,1
vault unseal 0
pulumi --secret 0,1
dotnet user-secrets 2
"""
#: Behind one of these verbs of these tools a word that is named like a secret has its value behind it.
_SETTERS = words("set config modify create update configure put set-env")
_SETTING = words(
    "git npm yarn pnpm dvc rclone conda aws gcloud pulumi poetry composer gh glab bundle consul etcdctl cf"
)
#: All that is given to these is secret: `vault kv put PATH NAME=VALUE`.
_STORES = {"vault": words("put patch"), "fly": words("secrets"), "flyctl": words("secrets")}
#: Switches of curl that take no value, and may stand before `-u` in one word: `-sSfu`.
CLUSTERS = {
    "-u": r"-[vsSfLkgiIjnNqBGO#0-46a]+u",
    "-U": r"-[vsSfLkgiIjnNqBGO#0-46a]+U",
    "-P": r"-[reqjmuy0-9]+P",
}
#: `user/password@place` of Oracle's tools.
ORACLE = words("sqlplus sqlldr expdp impdp rman sqlcl")


_HOW = "@:=!"


class Options:
    """Which options take a secret, as the words of a command line go by."""

    def __init__(self) -> None:
        """Know no tool yet."""
        self.flags: dict[str, str] = {}
        """How each takes it: its last character in the table, or ''."""
        self._waiting: dict[str, list[str]] = {}

    def meet(self, tool: str, before: str) -> None:
        """Take note of a word that may be a tool, or the word that one needs.

        Args:
            tool: without its folder.
            before: the word in front of it, or ''.
        """
        for options in self._waiting.pop(tool, ()):
            self._add(options)
        if tool in COMMON and before.startswith("--") and "=" not in before:
            return
        for need, options in _BY_TOOL.get(tool, ()):
            if need:
                self._waiting.setdefault(need, []).append(options)
            else:
                self._add(options)

    def _add(self, options: str) -> None:
        for option in options.split():
            how = option[-1] if option[-1] in _HOW else ""
            self.flags[option.removesuffix(how)] = how

    def forget(self, tool: str) -> None:
        """Leave the options of a tool behind: what follows is the command it starts."""
        for _, options in _BY_TOOL[tool]:
            for option in options.split():
                self.flags.pop(option.rstrip(_HOW), None)


def _by_tool() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for line in _OPTIONS.strip().splitlines():
        tools, _, options = line.partition(" | ")
        names = tools.split()
        need = names.pop() if len(names) > 1 and names[-1] in _NEEDED else ""
        for name in names:
            found.setdefault(name, []).append((need, options))
    return found


_NEEDED = words("set login push pull secret ssm secretsmanager upload publish token")
_BY_TOOL = _by_tool()


def _by_verb() -> dict[str, dict[str, frozenset[int]]]:
    found: dict[str, dict[str, frozenset[int]]] = {}
    for line in _PLACES.strip().splitlines():
        tool, verb, positions = line.split()
        found.setdefault(tool, {})[verb] = frozenset(map(int, positions.split(",")))
    return found


_BY_VERB = _by_verb()


class Places:
    """Which words are secrets, or names of some, by where they stand."""

    def __init__(self) -> None:
        """Know no tool yet."""
        self.tools: set[str] = set()
        self._open: list[list[int]] = []  # positions that are to come, counted down
        self._last = ""
        self._setting = self._storing = False

    def masked(self, word: str) -> str | None:
        """Mask a word that is a secret for its place; None when it is none."""
        is_option = word.startswith("-")
        found: str | None = None
        if not is_option:
            if any(0 in positions for positions in self._open) and "=" not in word:
                found = MASK
            self._open = [[at - 1 for at in positions if at] for positions in self._open]
            self._open = [positions for positions in self._open if positions]
        if found is None and not self.tools.isdisjoint(ORACLE):
            at = re.fullmatch(r"(?P<u>[\w$#]+/)[^/@\s]+(?P<p>@\S*)?", word)
            found = f"{at['u']}{MASK}{at['p'] or ''}" if at else None
        name, equals, value = word.partition("=")
        if found is None and self._storing and equals and value and not value.startswith("@"):
            found = f"{name}={MASK}"
        self._note(word, is_option)
        return found

    def _note(self, word: str, is_option: bool) -> None:
        for tool in self.tools & _BY_VERB.keys():
            for verb, positions in _BY_VERB[tool].items():
                if word.lower() == verb or (verb.endswith("*") and word.startswith(verb[:-1])):
                    self._open.append([*positions])
        if "htpasswd" in self.tools and is_option and "b" in word:
            self._open.append([1 if "n" in word else 2])
        if is_option:
            return
        self._storing = self._storing or any(word in _STORES[tool] for tool in self.tools & _STORES.keys())
        self._setting = self._setting or (word in _SETTERS and not self.tools.isdisjoint(_SETTING))
        self.tools.add(word.rpartition("/")[2])

    def names(self, word: str) -> bool:
        """Whether the next word is the value of what a word names; asked for each word after `masked`."""
        is_kept = word.startswith("-") and word not in ("-genv", "-env")  # of `mpiexec -env NAME VALUE`
        last, self._last = self._last, self._last if is_kept else word
        if word.startswith("-") or not re.fullmatch(r"[\w./:-]+", word):
            return False
        return (self._setting or last in ("set", "setenv", "setx", "-genv", "-env")) and secret_name(
            re.split("[:/]", word)[-1]
        )
