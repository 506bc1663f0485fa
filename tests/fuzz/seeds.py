"""What each reader reads when all is well: where fuzzing begins."""

from __future__ import annotations

import gzip
import io
import pickle
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import zstandard
from msgspec.structs import replace

from tests import builders
from xt import codec
from xt.model.event import Deployed, Envelope, Named, Noted, Observed, Pin, Point, Removed, Signed, Tagged
from xt.model.files import Entry, Manifest
from xt.model.text import Raw
from xt.store import events
from xt.store.store import sealed

_AT = "2026-11-26T17:24:13.794713Z"
_STEM = "20261126172413794713-a421a8ab"
_FIXTURES = Path(__file__).resolve().parents[1] / "exchange" / "fixtures"

#: Of the run that is read while fuzzing.
OTHER = "z" * 16
RECORDS = tuple(sealed(replace(one, id=OTHER))[0] for one in (builders.record(), builders.bare()))
STARTS = (codec.encode(builders.start()),)


def _events() -> tuple[bytes, ...]:
    who = {"id": _STEM, "at": _AT, "by": "you"}
    run = builders.RUN
    several = (
        Pin(**who, name="baseline", run=run, reason="x"),
        Tagged(**who, run=run, name="gold"),
        Named(**who, run=run, name="reference"),
        Noted(**who, run=run, text="a note"),
        Removed(**who, run=run, reason=None),
        Deployed(**who, to="prod", run=run, output="model.npz", digest=builders.digest("7")),
        Observed(**who, to="prod", points=[Point("latency", 0.25, _AT)]),
        Signed(**who, run=run, envelope=Envelope("e30=", "application/vnd.in-toto+json", [])),
    )
    kinds = list(events.KINDS)
    return tuple(bytes([kinds.index(type(one))]) + codec.encode(one) for one in several)


EVENTS = _events()
SIGNATURES = (
    EVENTS[-1][1:],
    b'you@example.org namespaces="xt" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3M you',
    b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32),
)
MANIFESTS = (
    codec.encode(
        Manifest(
            [
                Entry("a.txt", "file", 0o644, 3, builders.digest("1")),
                Entry(Raw("/w=="), "file", 0o644, 3, builders.digest("2")),
                Entry("b", "link", 0o777, target="a.txt"),
                Entry("d", "dir", 0o755),
            ]
        )
    ),
)
OBJECTS = (
    zstandard.ZstdCompressor(level=3, write_checksum=True).compress(b"text " * 1000),
    zstandard.ZstdCompressor().compress(b""),
)
NAMES = (
    b"runs/kk/kkkkkkkkkkkkkkkk.json",
    b"objects/aa/" + b"a" * 64 + b".zst",
    b"events/2026/11/20261126172413794713-a421a8ab.tagged.json",
    b"recipes/cc/" + b"c" * 64 + b"/kkkkkkkkkkkkkkkk",
    b"code/aa/" + b"a" * 40 + b"/" + b"b" * 32 + b".json",
)
QUERIES = (
    b"status:ok and (metric.acc>=0.9 or not tag:gold)",
    b'purpose:"lower rate" since:7d before:2026-11-20',
    b'param."optimizer.name"=adam env.torch>=2.1 time<5min exit=1',
    b"input:data/*.csv@3f9a deployed:* evidence:incomplete level>=equivalent",
    b'"a phrase" word -x',
)
SETTINGS = (
    b'x[run]\nstrict = true\n[task.train]\ncommand = "python train.py"\ninputs = ["data/"]\n'
    b'outputs = ["model:model.npz"]\nmetrics = ["loss=metrics.json:/loss"]\nparams = ["@config.yaml"]\n',
    b'x[metrics."val/acc"]\ngoal = "max"\nrel = 0.01\n[evidence]\nrequired = ["purpose", "facts.rights"]\n'
    b'[facts]\nrights = "own"\n[cost]\n[cases]\n[tickets]\npattern = "X-(\\\\d+)"\nurl = "https://t/{ticket}"\n',
    b'y[project]\nname = "a"\n[tool.xt.deploy]\n[tool.xt.remote.team]\nurl = "s3://b/c"\n',
)
ARGUMENTS = (
    b"-m\nwhy\n-t\ngold\n-i\nmodel:m.bin\n-p\nlr=0.1\n--reuse=verified\n--\npython\ntrain.py",
    b"--fact\nrights=own\n--metric\nloss=log:loss=(.*)\n--seed\nauto\n-q\ntrue",
)
DECLARED = (
    b"model:dir/*.npz",
    b"lr=0.1",
    b"loss=metrics.json:/loss",
    b"acc=log:acc=([0-9.]+)",
    b"tensorboard:logs",
    b"hf://datasets/a/b@main",
    b"--gpus all -v 'a b:/c'",
)
EVIDENCE = (b"purpose", b"facts.rights", b"params.lr", b"inputs.data", b"outputs.model", b'{"a": {"b": [1]}}')
ADDRESSES = (
    b"s3://bucket/prefix",
    b"ssh://you@host:2222/~/runs",
    b"file:///srv/xt%20store",
    b"../team",
    b"gs://b",
    b"ssh://[::1]/x",
)
JOBS = (
    b"CI=true\nGITHUB_ACTIONS=true\nGITHUB_SERVER_URL=https://github.com\nGITHUB_REPOSITORY=a/b\nGITHUB_RUN_ID=1",
    b"GITLAB_CI=true\nCI_JOB_URL=https://u:p@host/x\nCI_COMMIT_SHA=a",
    b"TF_BUILD=True\nSYSTEM_COLLECTIONURI=https://dev.azure.com/x/\nSYSTEM_TEAMPROJECT=p",
)
COMMANDS = (
    b"python\n-m\ntrain\n--lr\n0.1\n--token=abcdefghijkl\nKEY=value",
    b"run\n--rm\n-v\na:/b\n--gpus=all\nimage:tag\nsh\n-c\nexport X=1; curl -u a:b https://u:p@h/x",
    b"torchrun\n--nproc=2\nx.py\nmodel.lr=3\n+a.b=c",
)
SECRETS = (
    b"https://user:ghp_abcdefghijklmnopqrstuvwxyz0123456789@host/p?token=x&a=b",
    b"Authorization: Bearer abcdef0123456789abcdef",
    b"password='hunter2 hunter2' AKIAIOSFODNN7EXAMPLE git@host:a/b",
)
URIS = (
    b"hf://datasets/org/name@main/file.csv",
    b"dvc://data/x.csv",
    b"https://u:p@h/x?sig=a",
    b"s3://b/k",
    b"file:///a",
)
LOGS = (
    b"\x1b[31mred\x1b[0m\r\n\x1b]0;t\x07\xc2\x9b2J",
    b'{"a": "\\u009b\\ud800"}',
    "\u202e\u200b漢".encode(),
)
LINES = (
    b'{"name":"loss","value":0.5,"step":1}\nloss=0.25\n{"name":"acc","value":"NaN","labels":{"digit":"8"}}\n',
    b'{"loss": 0.5, "acc": 1e400}\nloss 1e999999999999\n',
)
_YAML = b"val:\n  acc: 0.5\nloss: 1e-3\nlist: [1, 2, &a {x: 1}, *a]\nb: !!binary aGk=\nc: 2026-11-23\n"
DOCUMENTS: dict[str, tuple[bytes, ...]] = {
    ".json": (
        b'{"val": {"acc": 0.5}, "loss": 1e400, "a": [1, NaN, {"b": 18446744073709551616}], "s": "\\ud800"}',
        b"[" * 200 + b"]" * 200,
    ),
    ".yaml": (
        _YAML,
        b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        b"<<: {a: 1}\n? 2\n: 3\n",
        b"? [1, 2]\n: 3\n",
    ),
    ".toml": (b'loss = 1e-3\nd = 2026-11-23\n[val]\nacc = inf\n[[a]]\n"b.c" = [1, 2]\n',),
    ".csv": (b"id,passed,loss,step\n1,true,0.5,1\n2,false,nan,2\n", b'id,"a\nb"\r\n"x""y",1\r\n'),
    ".jsonl": (b'{"id": "a", "passed": true, "loss": 0.5}\n{"id": "b", "score": 0.25, "step": 2}\n',),
}


def _read(name: str) -> bytes:
    return (_FIXTURES / name).read_bytes()


def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mlflow.db"
        base = sqlite3.connect(path)
        base.executescript(
            "create table runs(run_uuid text, name text, lifecycle_stage text, start_time int);"
            "create table metrics(key text, value real, step int, run_uuid text, is_nan int, timestamp int);"
            "create table latest_metrics(key text, value real, step int, run_uuid text, is_nan int);"
            "create table params(key text, value text, run_uuid text);"
            "create table tags(key text, value text, run_uuid text);"
            "insert into runs values('a', 'b', 'active', 1000000);"
            "insert into metrics values('loss', 0.5, 1, 'a', 0, 1);"
            "insert into params values('lr', '0.1', 'a');"
        )
        base.commit()
        base.close()
        return Path(path).read_bytes()


def _tfrecord() -> bytes:
    from tests.exchange.test_readers import event, field, tensor

    return event(1, field(1, "loss") + field(2, 0.5)) + event(2, field(1, "acc") + tensor(1, field(5, 1.5)))


def _wandb() -> bytes:
    from tests.exchange.test_readers import OFFLINE, fragment, history

    return OFFLINE + fragment(history(1, loss="0.5")) + fragment(history(2, loss='{"a": NaN}'))


#: Format → the name of its anchor, and contents.
IMPORTED: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "tensorboard": ("events.out.tfevents.1.host", (_tfrecord(),)),
    "wandb": ("run-abc.wandb", (_wandb(),)),
    "mlflow": ("mlflow.db", (_database(),)),
    "dvclive": ("metrics.json", (_read("dvclive/metrics.json"),)),
    "lightning": ("metrics.csv", (b"epoch,step,loss\n0,1,0.5\n1,2,\n",)),
    "trainer": ("trainer_state.json", (_read("trainer/trainer_state.json")[:6000],)),
    "lm-eval": (
        "results_2026-11-23.json",
        (
            b'{"results": {"arc": {"acc,none": 0.5, "acc_stderr,none": "N/A"}}, "config": {"model": "hf"},'
            b' "higher_is_better": {"arc": {"acc": true}}, "versions": {"arc": 1}}',
        ),
    ),
    "promptfoo": ("promptfoo.json", (_read("promptfoo.json")[:20000],)),
}
MEASURED = (
    b"time,latency,errors\n2026-11-23T09:00,0.5,1\n1780000000,0.25,\n",
    b"at,name,value\n2026-11-23,latency,0.5\n",
)


def _tar(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _zip(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


IMAGES = (
    _tar(
        ("var/lib/dpkg/status", b"Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"),
        ("usr/lib/python3.11/site-packages/a-1.dist-info/METADATA", b"Name: a\nVersion: 1\n\n"),
        ("lib/apk/db/installed", b"P:musl\nV:1.2\n\n"),
        ("etc/os-release", b'PRETTY_NAME="Debian"\n'),
    ),
    b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n",
)
PICKLES = tuple(
    pickle.dumps({"w": [1, 2.5, "x", b"y", None, True], "t": (1,), "s": {1}, "big": 2**70}, protocol=number)
    for number in (0, 2, 4)
)


def _npy(data: bytes = struct.pack("<3d", 1, 2, 3)) -> bytes:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    head = head.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def _safetensors() -> bytes:
    head = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"a":"b"}}'
    return struct.pack("<Q", len(head)) + head + struct.pack("<2f", 1, 2)


def _torch() -> bytes:
    body = (
        b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"
        b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x02tq\x07QK\x00K\x02\x85q\x08"
        b"K\x01\x85q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs."
    )
    return _zip(("m/data.pkl", body), ("m/data/0", struct.pack("<2f", 1, 2)), ("m/version", b"3\n"))


_NOTEBOOK = (
    b'{"cells":[{"cell_type":"code","source":["a"],"outputs":[{"text":"x"}]}],"nbformat":4,"metadata":{}}'
)
COMPARED: dict[str, tuple[bytes, ...]] = {
    "json": (_NOTEBOOK, *DOCUMENTS[".json"]),
    "yaml": DOCUMENTS[".yaml"],
    "toml": DOCUMENTS[".toml"],
    "csv": DOCUMENTS[".csv"],
    "jsonl": DOCUMENTS[".jsonl"],
    "npy": (_npy(),),
    "npz": (_zip(("w.npy", _npy()), ("v.npy", _npy())),),
    "safetensors": (_safetensors(),),
    "torch": (_torch(),),
    "zip": (_zip(("a.txt", b"abc"), ("b/c.json", b'{"a": 1}')),),
    "tar": (_tar(("a.txt", b"abc"), ("b/c.json", b"{}")), gzip.compress(_tar(("a", b"x")), mtime=0)),
    "text": (b"a\nb\r\n12.5 s\n", "\ufeffä\n".encode("utf-16")),
    "bytes": (bytes(range(256)),),
}
