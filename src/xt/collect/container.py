"""The container xt runs in, as far as it can be seen from inside.

An engine tells a container next to nothing about its image. What is looked at: the variable `XT_IMAGE`, what
podman and Apptainer leave in files, labels that Apptainer and some builders copy into the image, and what
GitLab calls the image of a job. Of Docker and Kubernetes the image itself cannot be seen.
"""

from __future__ import annotations

import os
import re

import msgspec

from xt import redact
from xt.model.environment import Container
from xt.model.text import to_shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Process 1 of a machine, or of a container that plays one.
_INITS = frozenset(("systemd", "init", "launchd", "runit", "openrc-init", "s6-svscan", "shepherd"))
#: Files with the labels of an image, as Apptainer and some builders leave them.
_LABELS = (".singularity.d/labels.json", "root/buildinfo/labels.json")
#: Bytes of such a file, labels kept, characters of one.
_LONGEST, MOST, _LONG = 65_536, 40, 200
#: Labels that say what an image is.
_TELLING = ("org.opencontainers.image.", "org.label-schema.", "version", "revision", "vcs-ref")
_IMAGE = "the image cannot be seen from inside; set `XT_IMAGE` to its digest"


def collect(environ: Mapping[str, str], root: str = "/") -> Container:
    """Describe the container.

    Args:
        environ: the variables; `XT_IMAGE` names the image where nothing else does.
        root: where `/` is, for tests.
    """
    told = environ.get("XT_IMAGE")
    image = to_shown(redact.clean(told)) if told else None
    cgroup = _read(root, "proc/self/cgroup")
    engine = _engine(environ, root, cgroup)
    if engine is None:
        process = _read(root, "proc/1/comm").strip()
        if process in _INITS or os.uname().sysname == "Darwin":
            return Container(False, None, None, image, None)
        seen = (
            f"process 1 is `{process}`, not a system's first process"
            if process
            else "process 1 cannot be seen"
        )
        return Container(None, None, None, image, f"no sign of a container engine, but {seen}")
    kind, name = engine
    fields = _containerenv(_read(root, "run/.containerenv")) if kind == "podman" else {}
    identity = fields.get("id") or _identity(cgroup) or _identity(_read(root, "proc/self/mountinfo", 1 << 20))
    reason = None
    if image is None:
        image = fields.get("imageid") or fields.get("image") or name
        image = to_shown(redact.clean(image)) if image else None
    if image is None and environ.get("CI_JOB_IMAGE"):
        image = to_shown(redact.clean(environ["CI_JOB_IMAGE"]))
        reason = "`CI_JOB_IMAGE` names the image; which one that was is not known"
    labels: dict[str, str] = {}
    for path in _LABELS:
        labels |= telling(_labels(_read(root, path, _LONGEST)))
    return Container(
        True, kind, identity, image, reason if image else _IMAGE, labels=dict(sorted(labels.items())[:MOST])
    )


def _engine(environ: Mapping[str, str], root: str, cgroup: str) -> tuple[str, str | None] | None:
    """Find the engine, and the image if it tells."""
    for variable in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if environ.get(variable):
            return "apptainer", to_shown(redact.clean(environ[variable]))
    if environ.get("KUBERNETES_SERVICE_HOST") or "kubepods" in cgroup:
        return "kubernetes", None
    if os.path.exists(os.path.join(root, "run/.containerenv")):
        return "podman", None
    if os.path.exists(os.path.join(root, ".dockerenv")):
        return "docker", None
    for word, engine in (
        ("/docker", "docker"),
        ("/libpod", "podman"),
        ("/lxc", "lxc"),
        ("containerd", "containerd"),
    ):
        if word in cgroup:
            return engine, None
    told = environ.get("container") or _read(root, "run/systemd/container").strip()
    return (to_shown(told), None) if told else None


def telling(labels: object) -> dict[str, str]:
    """Pick the labels that say what an image is.

    Args:
        labels: as they are read; anything but a table of texts has none.
    """
    if not isinstance(labels, dict):
        return {}
    chosen = [
        (name, value)
        for name, value in labels.items()
        if isinstance(name, str) and isinstance(value, str) and value and name.lower().startswith(_TELLING)
    ]
    return {to_shown(name)[:_LONG]: to_shown(redact.clean(value))[:_LONG] for name, value in chosen[:MOST]}


def _labels(text: str) -> object:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _containerenv(text: str) -> dict[str, str]:
    """Read podman's `/run/.containerenv`: `key="value"` lines, empty in a rootless container."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {
        key.strip(): value.strip().strip('"') for key, equals, value in pairs if equals and value.strip('" ')
    }


def _identity(text: str) -> str | None:
    match = re.search(r"(?:docker|containers|libpod|kubepods|crio|containerd)[^\n]*?\b([0-9a-f]{64})\b", text)
    return match[1] if match else None


def _read(root: str, path: str, limit: int = 65536) -> str:
    """Read a file that need not be there, or '' when it is not or is closed to us."""
    try:
        fd = os.open(os.path.join(root, path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, limit).decode("utf-8", "replace")
    finally:
        os.close(fd)
