"""What is fuzzed: one row per reader. Given any bytes, a row returns or raises `XtError`; all else is a bug.

The error of a layer (`UnreadableError`, `MalformedError`, …) counts as well where its callers make a
sentence of it: the row that may raise it names it. All of them run in one process and write into one folder.
"""

from __future__ import annotations

import functools
import io
import itertools
import json
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests import builders
from tests.fuzz import seeds
from xt import codec, config, declare, docker_words, join, moments, query, redact, safe_yaml
from xt.cli import fast
from xt.collect import Capture, ci, documents, image_files, lfs, packages, params, selector, uris
from xt.collect import argv as words_of
from xt.collect.metrics import collect as collect_metrics
from xt.collect.metrics import prepare as prepare_metrics
from xt.collect.series import Book
from xt.compare import COMPARATORS, Rule, UnreadableError, pickled
from xt.compare.content import Held
from xt.compare.jsonable import encodable
from xt.compare.rows import rows
from xt.context import Outside
from xt.errors import XtError
from xt.exchange.importers import FORMATS, MalformedError
from xt.exchange.signing import dsse, signers, wire
from xt.inside import parts
from xt.model import evidence
from xt.model.event import Signed
from xt.model.files import Manifest, Output
from xt.model.request import RunRequest
from xt.model.text import from_text
from xt.ops.case_files import CaseTables
from xt.ops.evidence_sources import origin
from xt.ops.import_sink import ImportSink, Limits
from xt.ops.production.measurements import table, time_of
from xt.ops.search import Searching
from xt.redact_url import mask_urls
from xt.render import visible
from xt.store import Store, events, layout
from xt.store.objects import decompressed
from xt.store.remote import address, names
from xt.store.store import sealed

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
RUN = builders.RUN
#: Comparators whose parsers are written in C and run in a child with limits, where they may crash.
CHILDREN = ("parquet", "image")


class Target(NamedTuple):
    """One reader."""

    name: str
    act: Callable[[bytes], object]
    seeds: tuple[bytes, ...] = ()
    """What it reads when all is well, to begin with."""
    may_raise: tuple[type[Exception], ...] = ()
    """Besides `XtError`."""

    def run(self, data: bytes) -> None:
        """Read bytes.

        Raises:
            Exception: a bug.
        """
        with suppress(XtError, *self.may_raise):
            self.act(data)


@functools.cache
def folder() -> str:
    """A folder for all that is written while fuzzing."""
    path = tempfile.mkdtemp(prefix="xt-fuzz-")
    import atexit

    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def store() -> Store:
    """A store with one good run and one good event."""
    made = Store.create(f"{folder()}/.xt")
    made.publish(RUN, sealed(builders.record())[0])
    return made


def outside() -> Outside:
    return Outside(folder(), {"HOME": folder(), "PATH": os.defpath})


def file(name: str, data: bytes) -> str:
    path = Path(folder(), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def text(data: bytes) -> str:
    """As the command line gives it: bytes that are not UTF-8 stay, as halves of characters."""
    return data.decode("utf-8", "surrogateescape").replace("\0", "")


def capture() -> Capture:
    request = RunRequest(command=["x"], cwd=folder())
    made = Capture(request, outside(), folder(), store().path, config.Settings(), store().objects, bytes(32))
    os.makedirs(f"{store().path}/cache", exist_ok=True)
    return made


# --- the store -----------------------------------------------------------------------------------


def record(data: bytes) -> None:
    path = file(f".xt/runs/zz/{seeds.OTHER}.json", data)
    try:
        codec.encode(store().record(seeds.OTHER))
    finally:
        os.unlink(path)


def record_fields(data: bytes) -> None:
    """A record that is sealed, whatever it holds."""
    from xt.model.result import Record

    codec.encode(sealed(codec.decode(data, Record, "a record"))[0].decode())


def start(data: bytes) -> None:
    other = "y" * 16
    file(f".xt/live/{other}/start.json", data)
    try:
        codec.encode(store().live(other)[0])
    finally:
        shutil.rmtree(f"{store().path}/live/{other}")


def event(data: bytes) -> None:
    kinds = list(events.KINDS.values())
    suffix = kinds[data[0] % len(kinds)] if data else ""
    stem = "20261126172413794713-a421a8ab"
    path = f"{store().path}/events/2026/11/{stem}{suffix}.json"
    with suppress(FileNotFoundError):
        os.unlink(path)
    events.publish(store().path, f"2026/11/{stem}{suffix}.json", data[1:], durable=False)
    found = events.read(path)
    assert found is not None
    codec.encode(found)
    os.unlink(path)


def manifest(data: bytes) -> None:
    found = codec.decode(data, Manifest, "a manifest")
    codec.encode(found)
    for entry in found.entries:
        with suppress(XtError):
            parts(from_text(entry.path))


def packed_object(data: bytes) -> None:
    with suppress(ValueError):
        decompressed(data)


def store_format(data: bytes) -> None:
    path = f"{folder()}/other/.xt"
    file("other/.xt/format", data)
    layout.check(path)


def remote_names(data: bytes) -> None:
    name = text(data)
    for found in (names.run_of(name), names.object_of(name), names.run_of_recipe(name)):
        assert found is None or found.removeprefix("blake3:").isalnum()
    assert not (names.is_event(name) or names.is_code(name)) or ".." not in name


# --- words -----------------------------------------------------------------------------------------


def asked(data: bytes) -> None:
    """A query: what is read can be written and asked."""
    found = query.parse(text(data))
    again = query.parse(query.written(found))
    assert query.written(again) == query.written(found)
    with Searching(store(), outside(), config.Settings()) as search:
        search.matching(text(data), trials=True)


def settings(data: bytes) -> None:
    name = ("xt.toml", "pyproject.toml")[bool(data) and data[0] % 2]
    for one in ("xt.toml", "pyproject.toml"):
        with suppress(FileNotFoundError):
            os.unlink(f"{folder()}/settings/{one}")
    file(f"settings/{name}", data[1:])
    found = config.load(f"{folder()}/settings")
    for task in found.settings.task:
        join.join(join.Asked(task=task), found, folder(), ["x"])


def arguments(data: bytes) -> None:
    words = text(data).split("\n")
    found = fast.parse(words)
    fast.spelled_out(words)
    if found is not None:
        join.join(found.asked, config.Config(config.Settings(), None), folder(), found.command)


def declared(data: bytes) -> None:
    said = text(data)
    readers: tuple[Callable[[], object], ...] = (
        lambda: declare.input_spec(said, folder()),
        lambda: declare.output_request(said, folder()),
        lambda: declare.param_spec(said, folder(), "--param"),
        lambda: declare.fact_spec(said),
        lambda: declare.metric_spec(said),
        lambda: declare.import_spec(said),
        lambda: declare.seed(said),
        lambda: declare.docker_words(said),
        lambda: declare.docker_image(said),
    )
    for read in readers:
        with suppress(XtError):
            read()


def evidence_words(data: bytes) -> None:
    field = text(data)
    if evidence.known(field):
        whole = builders.record()
        evidence.open_before(field)
        if evidence.why_not(field, whole.snapshot, whole.result, None) is None:
            origin(field, whole.snapshot, whole.result, None)
    # As in `xt.toml`: a table of facts is read by hand.
    with suppress(ValueError, RecursionError):
        found = json.loads(data)
        if isinstance(found, dict):
            list(declare.facts(found, "xt.toml"))


def times(data: bytes) -> None:
    for read in (lambda: moments.moment(text(data), NOW), lambda: time_of(text(data), NOW)):
        with suppress(ValueError):
            read()


def addresses(data: bytes) -> None:
    found = address.parse(text(data), folder())
    assert found.shown.isprintable()
    assert not found.host.startswith("-")
    assert address.parse(found.shown, folder()) == found


def variables(data: bytes) -> None:
    """Variables of a job, one a line."""
    lines = (line.partition("=") for line in text(data).split("\n"))
    environ = {name: value for name, _, value in lines}
    codec.encode(ci.describe(environ))
    ci.provider(environ)
    redact.secret_values(environ, [])


def command(data: bytes) -> None:
    """Words of a command: settings, secrets, containers."""
    words = text(data).split("\n")
    words_of.settings(words)
    masked, _ = redact.clean_argv(words)
    assert len(masked) == len(words)
    redact.argv_secrets(words)
    with suppress(docker_words.DoubtError):
        docker_words.running(["docker", *words])
    declare.words(shlex.join(words))


def cleaned(data: bytes) -> None:
    redact.clean(text(data))
    mask_urls(text(data))
    redact.clean_url(text(data))


def revisions(data: bytes) -> None:
    """An input that is named by an address."""
    said = text(data)
    if uris.is_uri(said) and not said.startswith("git"):
        uris.identify(said, folder(), {"HOME": folder()})


def shown(data: bytes) -> None:
    said = text(data)
    forms = (visible.visible(said), visible.visible_lines(said), visible.visible_log(said, colour=False))
    for form in forms:
        assert "\x1b" not in form
        form.encode()
    with suppress(ValueError, RecursionError):
        json.loads(visible.visible_json(json.dumps(json.loads(data)).encode()))


# --- files of others ---------------------------------------------------------------------------------


def metric_file(suffix: str, data: bytes) -> None:
    path = file(f"metrics{suffix}", data)
    specs = [declare.metric_spec(f"acc=metrics{suffix}:{said}") for said in ("/val/acc", "a.b[-1]", "loss")]
    request = RunRequest(command=["x"], cwd=folder(), metrics=specs)
    prepare_metrics(request, [path])
    around = capture()
    codec.encode(collect_metrics(around, specs, [path], None, {}))
    codec.encode(around.problems)


def metric_lines(data: bytes) -> None:
    """What a command wrote to the file that `XT_METRICS` names, and printed."""
    around = capture()
    specs = [declare.metric_spec(r"loss=log:loss[ =](\S+)")]
    prepare_metrics(RunRequest(command=["x"], cwd=folder(), metrics=specs))
    found = collect_metrics(around, specs, [], file("sent.jsonl", data), {"stdout": [data]})
    codec.encode(found)


def imported(form: str, name: str, data: bytes) -> None:
    around = capture()
    book = Book(around)
    sink = ImportSink(around, book, Limits(around), RUN, 1.0, 0)
    sink.begin(form, name, name)
    shutil.rmtree(f"{folder()}/imports", ignore_errors=True)
    try:
        FORMATS.get(form)(file(f"imports/{name}", data), sink)
        sink.finish()
        codec.encode([sink.reported, *sink.derive(form, name)] if sink.cases else sink.reported)
        codec.encode(around.problems)
    finally:
        sink.close()
        book.close()
        store().objects.discard()


def param_file(suffix: str, data: bytes) -> None:
    path = file(f"params{suffix}", data)
    request = RunRequest(command=["x"], cwd=folder(), params=[declare.param_spec(path, folder(), "--param")])
    around = Capture(
        request, outside(), folder(), store().path, config.Settings(), store().objects, bytes(32)
    )
    codec.encode([params.collect(around), around.problems])


def document(suffix: str, data: bytes) -> None:
    found = documents.read_document(file(f"document{suffix}", data))
    for _ in selector.numbers(found):
        pass
    for said in ("/a/0", "a.b[-1]", "$.x"):
        with suppress(selector.SelectorError):
            selector.select(found, said)


def installed(data: bytes) -> None:
    packages.core_metadata(data.decode("utf-8", "replace"))
    lfs.pointer(data)
    codec.encode(image_files.read(io.BytesIO(data), time.monotonic() + 60))


def measured(data: bytes) -> None:
    table(data, "file.csv", NOW)


def cases(suffix: str, data: bytes) -> None:
    digest = builders.digest("1")  # it is not asked for
    item = Output("cases", f"c{suffix}", "file", "stored", f"c{suffix}", digest, len(data), 1, 0o644)
    tables = CaseTables(store(), item)
    for one in tables.files:
        for row in itertools.islice(rows(Held(one.name, data)), 1000):
            codec.encode(list(row))


def signed(data: bytes) -> None:
    said = data.decode("utf-8", "replace")
    signers.parse(said)
    with suppress(wire.WireError):
        wire.public_of(data)
    with suppress(wire.WireError):
        wire.public_line(said.split())
    dsse.payload(codec.decode(data, Signed, "a signature").envelope)


def compared(name: str, data: bytes) -> None:
    """Something good against the bytes, and these against what is made of them by a small change."""
    row = COMPARATORS.rows[name]
    suffix = (row.claims or (".txt",))[0]
    other = data[:-2] + b"1" + data[-1:] if data[1:] else b"x"
    known = next(iter(seeds.COMPARED.get(name, ())), b"x")
    for left, right in ((known, data), (data, other)):
        found = COMPARATORS.get(name)(
            Held(f"a{suffix}", left), Held(f"b{suffix}", right), Rule(rtol=0.1, key=["id"]), "x"
        )
        codec.encode(encodable(found))


def unpickled(data: bytes) -> None:
    repr(pickled.read(data))[:1000]


def _all() -> Iterator[Target]:
    yield Target("record", record, seeds.RECORDS)
    yield Target("record_fields", record_fields, seeds.RECORDS)
    yield Target("start", start, seeds.STARTS)
    yield Target("event", event, seeds.EVENTS)
    yield Target("manifest", manifest, seeds.MANIFESTS)
    yield Target("object", packed_object, seeds.OBJECTS)
    yield Target("format", store_format, (b"xt-store 1\n", b"xt-store 99"))
    yield Target("remote_names", remote_names, seeds.NAMES)
    yield Target("query", asked, seeds.QUERIES)
    yield Target("config", settings, seeds.SETTINGS)
    yield Target("argv", arguments, seeds.ARGUMENTS)
    yield Target("declared", declared, seeds.DECLARED)
    yield Target("evidence", evidence_words, seeds.EVIDENCE)
    yield Target("times", times, (b"7d", b"-2h", b"2026-11-20T14:30+01:00", b"1780000000"))
    yield Target("address", addresses, seeds.ADDRESSES)
    yield Target("ci", variables, seeds.JOBS)
    yield Target("command", command, seeds.COMMANDS)
    yield Target("redact", cleaned, seeds.SECRETS)
    yield Target("uri", revisions, seeds.URIS)
    yield Target("visible", shown, seeds.LOGS)
    yield Target("metrics_sent", metric_lines, seeds.LINES)
    for suffix, some in seeds.DOCUMENTS.items():
        yield Target(f"metrics{suffix}", functools.partial(metric_file, suffix), some)
        if suffix in (".json", ".yaml", ".toml"):
            yield Target(f"params{suffix}", functools.partial(param_file, suffix), some)
            yield Target(
                f"document{suffix}",
                functools.partial(document, suffix),
                some,
                (documents.DocumentError, selector.SelectorError),
            )
    yield Target("yaml", safe_yaml.load, seeds.DOCUMENTS[".yaml"], (safe_yaml.YamlFaultError,))
    for form, (name, some) in seeds.IMPORTED.items():
        yield Target(
            f"import_{form}", functools.partial(imported, form, name), some, (MalformedError, OSError)
        )
    yield Target("installed", installed, seeds.IMAGES)
    yield Target("measurements", measured, seeds.MEASURED)
    for suffix in (".csv", ".jsonl"):
        some = seeds.DOCUMENTS[suffix]
        yield Target(f"cases{suffix}", functools.partial(cases, suffix), some, (UnreadableError,))
    yield Target("signature", signed, seeds.SIGNATURES, (dsse.MalformedError,))
    yield Target("pickle", unpickled, seeds.PICKLES, (UnreadableError,))
    for row in COMPARATORS:
        if row.name not in CHILDREN:
            some = seeds.COMPARED.get(row.name, ())
            yield Target(
                f"compare_{row.name}", functools.partial(compared, row.name), some, (UnreadableError,)
            )


TARGETS = {target.name: target for target in _all()}
