"""A real gateway of S3: Ceph's, with one monitor and one store in memory, on 127.0.0.1 and without a network.

It takes some ten seconds and 160 MB, so few tests use it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path

from tests.services import LONG, CannotStartError, Started, background, free_port, listens, need, wait_until

BUCKET = "runs"
KEY, SECRET = "testing-key", "testing-secret"

CONFIGURATION = """\
[global]
fsid = {cluster}
mon initial members = a
mon host = v1:127.0.0.1:{monitor}
ms bind msgr2 = false
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket = {folder}/$name.asok
pid file = {folder}/$name.pid
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
mon allow pool size one = true
mon max pg per osd = 1000
[client.rgw.x]
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw data = {folder}/rgw
rgw run sync thread = false
rgw enable gc threads = false
rgw enable lc threads = false
rgw thread pool size = 32
debug rgw = 0
"""


class _Cluster:
    """Its processes, the youngest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def once(self, *words: str) -> None:
        done = subprocess.run(
            [words[0], "-c", f"{self.folder}/ceph.conf", *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONG,
            env=self._environ(),
        )
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise CannotStartError(f"{words[0]}: {' '.join(last)}")

    def stay(self, *words: str) -> None:
        process = background(
            [words[0], "-c", f"{self.folder}/ceph.conf", "-f", *words[1:]],
            self.folder / f"{words[0]}.out",
            self._environ(),
        )
        self.started.insert(0, process)

    def alive(self) -> bool:
        return all(process.poll() is None for process in self.started)

    def kill(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()

    @staticmethod
    def _environ() -> dict[str, str]:
        return {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def start(folder: Path) -> Started:
    """Start it. Facts: `url`, `key`, `secret`, `bucket`."""
    need("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool")
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    cluster, disk = str(uuid.uuid4()), str(uuid.uuid4())
    monitor, gateway = free_port(), free_port()
    (folder / "ceph.conf").write_text(
        CONFIGURATION.format(folder=folder, cluster=cluster, monitor=monitor, gateway=gateway)
    )
    made = _Cluster(folder)
    try:
        made.once(
            *("monmaptool", "--create", "--fsid", cluster),
            *("--addv", "a", f"[v1:127.0.0.1:{monitor}]", f"{folder}/monmap"),
        )
        made.once("ceph-mon", "-i", "a", "--mkfs", "--monmap", f"{folder}/monmap")
        made.stay("ceph-mon", "-i", "a")
        made.once("ceph", "osd", "new", disk, "0")
        made.once("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        made.stay("ceph-osd", "-i", "0")
        made.once(
            *("radosgw-admin", "user", "create", "--uid", "xt", "--display-name", "xt"),
            *("--access-key", KEY, "--secret-key", SECRET),
        )
        made.stay("radosgw", "-n", "client.rgw.x")
        wait_until(listens(gateway), made.alive)
        _make_bucket(f"127.0.0.1:{gateway}")
    except BaseException as error:
        made.kill()
        if isinstance(error, subprocess.TimeoutExpired | OSError):
            raise CannotStartError(f"ceph: {error}") from error
        raise
    facts = {"url": f"http://127.0.0.1:{gateway}", "key": KEY, "secret": SECRET, "bucket": BUCKET}
    return Started(facts, [process.pid for process in made.started])


def _make_bucket(host: str) -> None:
    """PUT it, signed as AWS has it (version 4)."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    nothing = hashlib.sha256(b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": nothing, "x-amz-date": moment}
    names = ";".join(headers)
    listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"PUT\n/{BUCKET}\n\n{listed}\n{names}\n{nothing}"
    scope = f"{moment[:8]}/us-east-1/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    sign = hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={sign}"
    )
    with urllib.request.urlopen(
        urllib.request.Request(f"http://{host}/{BUCKET}", method="PUT", headers=headers), timeout=60
    ):
        pass
