"""`xt audit`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from xt.cli.ci_job import job as job_of
from xt.cli.ci_options import Ci, CiDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.cli.ci import Job
    from xt.model.audit import Audits
    from xt.store import Store


def audit(
    reference: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N. Without one: the newest."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All runs but repeats made by xt verify, a line each.")
    ] = False,
    style: Annotated[
        Literal["terminal", "json", "markdown", "junit"],
        typer.Option("--format", metavar="terminal|json|markdown|junit", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    signature: Annotated[
        bool,
        typer.Option("--signature", help="Say instead who signed it, and whether it is what was signed."),
    ] = False,
    allowed: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-signers",
            metavar="FILE",
            help="Trust these, as ssh-keygen(1) has them; may be repeated.",
        ),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="PUB", help="Trust this public key; may be repeated."),
    ] = None,
    ci: Ci = None,
    ci_dir: CiDir = None,
) -> int:
    """Say which required evidence a run has and what it lacks; or whether its signature holds.

    Ends with 0 when all is there, 1 when something is missing, 3 when nothing is required. With --signature:
    0 when somebody who is trusted signed it and all of it is as it was, 1 when not, 3 when it cannot be told.
    """
    from xt.context import Outside
    from xt.errors import EXIT_UNVERIFIABLE, UsageError
    from xt.ops.audit import audit as verb
    from xt.ops.find import open_store, project_settings, resolve

    if everything and reference is not None:
        raise UsageError("--all is of every run, and one was named", "`xt audit RUN` or `xt audit --all`")
    if as_json and style not in ("terminal", "json"):
        raise UsageError(f"--json and --format {style} are two forms", "choose one of them")
    if signature:
        from xt.cli.signature import answer

        if everything or style not in ("terminal", "json"):
            raise UsageError("--signature is about one run, for people or as JSON", "leave the other away")
        return answer(reference or "@", allowed or [], keys or [], as_json=as_json or style == "json")
    if allowed or keys:
        raise UsageError(
            "--allowed-signers and --key are for --signature", "`xt audit RUN --signature --key PUB`"
        )
    outside = Outside.real()
    style = "json" if as_json else style
    job = job_of("audit", ci, ci_dir, outside)
    store = open_store(outside)
    runs = None if everything else [resolve(store, "@" if reference is None else reference, outside)]
    found = verb(store, runs, project_settings(outside))
    if style == "json":
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    elif style == "junit":
        from xt.render.audit_junit import render as junit

        data = junit(found)
    elif style == "markdown":
        from xt.render.audit_markdown import render as markdown

        data = markdown(found).encode("utf-8", "backslashreplace")
    else:
        from xt.render.audit import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(found, outside.now(), columns, colours, many=everything)
        data = text.encode("utf-8", "backslashreplace")
    if job is not None:
        data = job.page(data, style, "what required evidence there is")
    sys.stdout.buffer.write(data)
    if job is not None:
        _tell(job, found, store)
    if found.complete is None:
        return EXIT_UNVERIFIABLE
    return 0 if found.complete else 1


def _tell(job: Job, found: Audits, store: Store) -> None:
    from xt.ops.ci.judged import of_audit
    from xt.render.audit_junit import render as junit
    from xt.render.audit_markdown import render as markdown

    job.tell(
        lambda: of_audit(found, store, job.around),
        lambda _, most: markdown(found, most),
        lambda _: junit(found),
    )
