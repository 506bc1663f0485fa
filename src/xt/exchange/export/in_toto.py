"""`in-toto`: statements about a run, a line each, signed if a key is given.

The first says how the outputs came to be (SLSA Provenance v1), and its subjects are their files by SHA-256.
The second says what the record is that holds the rest (`urn:xt:record:1`). With a key each is in an envelope
(DSSE); without one they are bare, since an envelope without a signature is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from xt import codec
from xt.errors import UsageError, XtError
from xt.exchange import Content, Exported, Options
from xt.exchange.discreet import Discreet
from xt.exchange.payload import sha256
from xt.exchange.signing import dsse
from xt.exchange.statements import about_record, bare, code, logs, record_statement, resource
from xt.exchange.target import Target
from xt.model.exported import Gap, Report
from xt.model.files import Output
from xt.model.snapshot import Param
from xt.model.statement import STATEMENT, Resource
from xt.model.text import Text, from_text, to_text

SLSA = "https://slsa.dev/provenance/v1"
#: What the parameters of a build mean: those of `xt run`.
BUILD_TYPE = "urn:xt:build:1"
#: Who vouches: an xt on a machine of the user, no service that keeps him out.
BUILDER = "urn:xt:local:1"


def export(subject: Exported, to: Target, options: Options) -> Report:
    """Write the statements."""
    if options.only:
        raise UsageError("--only: in-toto carries no files, only their digests", "leave `--only` away")
    discreet = Discreet(subject.record, identify=options.identify)
    subjects, gaps, size = _subjects(subject, discreet)
    remarks = []
    statements = []
    if subjects:
        statements.append(codec.encode(_provenance(subject, subjects, discreet)))
    else:
        remarks.append("no output is attested: it has none whose content is here")

    def shown(path: Text) -> str:
        return discreet.path(from_text(path))

    statements.append(record_statement(subject.record, subject.data, None, shown))
    if options.sign is None:
        remarks.append("it is not signed: `--sign KEY` does")
    else:
        signer = options.sign
        statements = [codec.encode(dsse.seal(statement, signer)) for statement in statements]
        remarks.append(f"signed with {signer.keyid}")
    with to.file() as file:
        file.writelines(statements)
    return Report(to_text(to.shown), len(subjects), size, gaps, remarks)


def _subjects(subject: Exported, discreet: Discreet) -> tuple[list[Resource], list[Gap], int]:
    """Files of outputs by SHA-256, those that cannot be, and bytes read."""
    found: list[Resource] = []
    gaps: list[Gap] = []
    total = 0
    for item in subject.record.result.outputs:
        if item.written is False:
            where = item.declared if item.path is None else item.path
            gaps.append(
                Gap(subject.record.id, "outputs", where, "it was there before, and is no effect of it")
            )
            continue
        for content in subject.contents(item):
            if content.form == "folder" and content.reason is None:
                continue
            try:
                digest, size = sha256(content)
            except XtError as error:
                lost = content.lost
                gaps.append(Gap(subject.record.id, "outputs", to_text(content.path), error.message, lost))
                continue
            total += size
            found.append(_file(item, content, digest, discreet))
    return found, gaps, total


def _file(item: Output, content: Content, digest: str, discreet: Discreet) -> Resource:
    return Resource(discreet.path(content.path), digest={"sha256": digest}, annotations={"role": item.role})


def _provenance(subject: Exported, subjects: list[Resource], discreet: Discreet) -> dict[str, Any]:
    record = subject.record
    snapshot, result = record.snapshot, record.result

    def shown(path: Text) -> str:
        return discreet.path(from_text(path))

    inputs = [known for item in snapshot.inputs if (known := resource(item, shown)) is not None]
    internal = {
        "recipe": snapshot.recipe,
        "seed": snapshot.seed.value,
        "status": result.status,
        "exitCode": result.exit_code,
    }
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": SLSA,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "command": discreet.words(snapshot.command.argv),
                    "cwd": shown(snapshot.command.cwd),
                    "params": _values(snapshot.params, discreet),
                    "facts": _values(snapshot.facts, discreet),
                },
                "internalParameters": internal,
                "resolvedDependencies": [*code(record, shown), *inputs, *_environment(subject, shown)],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"xt": snapshot.context.xt}},
                "metadata": {
                    "invocationId": f"urn:xt:run:{record.id}",
                    "startedOn": record.started_at,
                    "finishedOn": result.ended_at,
                },
                "byproducts": [about_record(record, subject.data), *logs(record)],
            },
        },
    }


def _values(params: list[Param], discreet: Discreet) -> dict[str, Any]:
    return {
        param.name: discreet.text(param.value) if isinstance(param.value, str) else param.value
        for param in params
    }


def _environment(subject: Exported, shown: Callable[[Text], str]) -> list[Resource]:
    """The program, the image it ran in, and the packages it could load."""
    snapshot = subject.record.snapshot
    found = []
    program = snapshot.command.executable
    if program.path is not None and program.digest is not None:
        found.append(Resource(shown(program.path), digest={"blake3": bare(program.digest)}))
    image = snapshot.environment.container.image
    if image is not None:
        found.append(Resource(image))
    python = snapshot.environment.python
    for package in python.packages if python is not None else []:
        found.append(Resource(uri=f"pkg:pypi/{quote(package.name.lower())}@{quote(package.version)}"))
    return found
