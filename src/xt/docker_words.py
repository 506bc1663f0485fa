"""The words of `docker run` and `podman run`: which are options, which name the image, which are the command.

Both stop at the first word that is no option, and that is the image; so all depends on knowing which options
take the next word. An option that is not known here and has no `=` leaves that open: then nothing is said.
"""

from __future__ import annotations

from typing import NamedTuple

ENGINES = frozenset(("docker", "podman"))
#: Long options of `run` that take a value. From `docker run --help` (28.2) and podman-run(1) (5.3).
_VALUES_WORDS = """
add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir
cgroup-conf cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-count cpu-percent
cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems creds
decryption-key detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps
device-write-iops dns dns-opt dns-option dns-search domainname entrypoint env env-file env-merge expose
gidmap gpus group-add group-entry health-cmd health-interval health-log-destination health-max-log-count
health-max-log-size health-on-failure health-retries health-start-interval health-start-period
health-startup-cmd health-startup-interval health-startup-retries health-startup-success
health-startup-timeout health-timeout hostname hosts-file hostuser image-volume init-ctr init-path
io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip
log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name net
net-alias network network-alias oom-score-adj os passwd-entry personality pid pidfile pids-limit platform
pod pod-id-file preserve-fd preserve-fds publish pull rdt-class requires restart retry retry-delay runtime
sdnotify seccomp-policy secret security-opt shm-size shm-size-systemd stop-signal stop-timeout storage-opt
subgidname subuidname sysctl systemd timeout tmpfs tz uidmap ulimit umask unsetenv user userns uts variant
volume volume-driver volumes-from workdir
"""
_SWITCHES_WORDS = """
detach disable-content-trust env-host help http-proxy init interactive no-healthcheck no-hostname no-hosts
oom-kill-disable passwd privileged publish-all quiet read-only read-only-tmpfs replace rm rmi rootfs
sig-proxy tls-verify tty unsetenv-all use-api-socket
"""
_SHORT_WORDS = """
a=attach c=cpu-shares d=detach e=env h=hostname i=interactive l=label m=memory p=publish P=publish-all q=quiet
t=tty u=user v=volume w=workdir
"""
#: Before the word `run`.
_GLOBAL_VALUES_WORDS = """
cgroup-manager config conmon connection context events-backend hooks-dir host identity imagestore
log-level module namespace network-cmd-path network-config-dir out root runroot runtime runtime-flag ssh
storage-driver storage-opt tlscacert tlscert tlskey tmpdir url volumepath
"""
_GLOBAL_SWITCHES_WORDS = "debug help noout remote syslog tls tlsverify transient-store version"
_VALUES, _SWITCHES = frozenset(_VALUES_WORDS.split()), frozenset(_SWITCHES_WORDS.split())
_GLOBAL_VALUES = frozenset(_GLOBAL_VALUES_WORDS.split())
_GLOBAL_SWITCHES = frozenset(_GLOBAL_SWITCHES_WORDS.split())
_SHORT = {pair[0]: pair[2:] for pair in _SHORT_WORDS.split()}
_GLOBAL_SHORT = {"c": "context", "D": "debug", "H": "host", "l": "log-level", "r": "remote", "v": "version"}


class DoubtError(Exception):
    """The words may mean more than one thing; the message says why."""


class Option(NamedTuple):
    """One option."""

    name: str
    """Its long name, without dashes."""
    value: str | None
    words: list[str]
    """As it was written."""


class Split(NamedTuple):
    """Words that were taken apart."""

    options: list[Option]
    rest: int
    """Index of the first word that is no option."""


class Running(NamedTuple):
    """A command that starts a container."""

    engine: str
    """`docker` or `podman`."""
    before: list[str]
    """Options between the program and its subcommand: which engine is asked."""
    options: list[Option]
    image: str
    at: int
    """Index of the image's word."""
    command: list[str]
    """What it is told to run, if anything."""


def options(words: list[str]) -> Split:
    """Take options of `run` apart.

    Args:
        words: that begin with options.

    Raises:
        DoubtError: one is not known, or has no value.
    """
    return _split(words, 0, _VALUES, _SWITCHES, _SHORT)


def running(command: list[str]) -> Running | None:
    """Read a command of docker or podman.

    Args:
        command: argv, whose first word is a program named like one of `ENGINES`.

    Returns:
        What is run in which image; None when it starts no container.

    Raises:
        DoubtError: it may start or enter one, and the image does not show.
    """
    engine = command[0].rpartition("/")[2]
    head = _split(command, 1, _GLOBAL_VALUES, _GLOBAL_SWITCHES, _GLOBAL_SHORT)
    at = head.rest
    verb = command[at] if at < len(command) else ""
    if verb == "container" and at + 1 < len(command):
        at += 1
        verb = command[at]
    if verb in ("exec", "start", "restart", "attach"):
        raise DoubtError(f"`{engine} {verb}` uses a container that was made before")
    if verb in ("compose", "stack", "service", "swarm", "kube", "play", "pod", "machine"):
        raise DoubtError(f"which images `{engine} {verb}` runs stands in files of its own")
    if verb != "run":
        return None
    found = _split(command, at + 1, _VALUES, _SWITCHES, _SHORT)
    names = {option.name for option in found.options}
    if "help" in names:
        return None
    if "rootfs" in names:
        raise DoubtError(f"`{engine} run --rootfs` runs a folder, which is no image")
    if found.rest >= len(command):
        raise DoubtError(f"`{engine} run` names no image")
    before = command[1 : head.rest]
    return Running(engine, before, found.options, command[found.rest], found.rest, command[found.rest + 1 :])


def _split(
    words: list[str], at: int, values: frozenset[str], switches: frozenset[str], short: dict[str, str]
) -> Split:
    """Read options as pflag does, the library of both: `--x=value`, `--x value`, `-xyvalue`, `-x=value`."""
    found: list[Option] = []
    while at < len(words):
        word = words[at]
        if word == "--":
            return Split(found, at + 1)
        if not word.startswith("-") or word == "-":
            break
        at += 1
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if equals or name in switches:
                found.append(Option(name, value if equals else None, [word]))
            elif name not in values:
                raise DoubtError(f"`{word}` is not known here: it may take the next word")
            elif at == len(words):
                raise DoubtError(f"`{word}` has no value")
            else:
                found.append(Option(name, words[at], [word, words[at]]))
                at += 1
            continue
        at = _letters(words, at, values, short, found)
    return Split(found, at)


def _letters(
    words: list[str], at: int, values: frozenset[str], short: dict[str, str], found: list[Option]
) -> int:
    """Read one word of single letters, the last of which may have a value."""
    word = words[at - 1]
    for index, letter in enumerate(word[1:], 2):
        name = short.get(letter)
        if name is None:
            raise DoubtError(f"`-{letter}` of `{word}` is not known here")
        rest = word[index:]
        if name not in values:
            if rest.startswith("="):
                found.append(Option(name, rest[1:], [word]))
                return at
            found.append(Option(name, None, [f"-{letter}"]))
            continue
        if rest:
            found.append(Option(name, rest.removeprefix("="), [f"-{letter}{rest}"]))
            return at
        if at == len(words):
            raise DoubtError(f"`-{letter}` has no value")
        found.append(Option(name, words[at], [f"-{letter}", words[at]]))
        return at + 1
    return at


def handed(given: list[Option]) -> list[str]:
    """Name the variables that are handed over by name: `--env NAME`."""
    return [
        option.value for option in given if option.name == "env" and option.value and "=" not in option.value
    ]


#: What xt itself has to say about a container it starts, and what to do instead.
_OURS = {
    "detach": "the run ends when the command does, with its exit code",
    "name": "xt names it, to remove what is left",
    "rm": "a container is removed when its command ended",
    "tty": "there is a terminal in the container when there is one outside",
    "attach": "standard input, output and error are those outside",
    "sig-proxy": "signals are passed on",
    "workdir": "it is the folder outside: `-C DIR`",
    "restart": "a run is one execution",
    "replace": "xt names it, to remove what is left",
    "cidfile": "xt names it, to remove what is left",
    "help": "`docker run --help` tells",
    "pod": "a run is a container of its own",
}


def refusal(given: list[str]) -> tuple[str, str] | None:
    """Say why words cannot be options of a container that xt starts, and what to do; None when they can."""
    try:
        found = options(given)
    except DoubtError as error:
        return f"an option of docker cannot be read: {error}", "`--docker-opt=--NAME=VALUE` is clear"
    if found.rest < len(given) or "--" in given[: found.rest]:
        word = given[found.rest] if found.rest < len(given) else "--"
        return (
            f"`{word}` is no option of `docker run`",
            "the image is that of `--docker`, the command stands after `--`",
        )
    for option in found.options:
        if option.name in _OURS:
            return f"`--{option.name}` is not for `--docker-opt`", _OURS[option.name]
        if option.name == "pull":
            return (
                "xt pulls no image",
                "`docker pull IMAGE` first: what is recorded is the image that is here",
            )
        if option.name == "log-driver" and option.value != "none":
            return (
                "`--log-driver` is not for `--docker-opt`",
                "xt keeps the log, masked; the engine's would not be",
            )
    return None
