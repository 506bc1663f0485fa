"""`xt verify`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from xt.cli.ci_job import job as job_of
from xt.cli.ci_options import Ci, CiDir
from xt.cli.elsewhere import MOST_JOBS, On, OnOpt, Retries, Through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.cli.ci import Job
    from xt.context import Outside
    from xt.model.verification import Verifications

#: Repeats at most.
MOST = 10_000


def verify(
    references: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids, names, tags, @ (newest) or @~N.")
    ],
    repeat: Annotated[
        int | None,
        typer.Option("--repeat", metavar="N", min=1, max=MOST, help="Fresh repeats; 5 by default."),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="REF", help="Compare with an existing run instead.")
    ] = None,
    level: Annotated[
        Literal["identical", "equivalent", "consistent"],
        typer.Option(
            "--level", metavar="identical|equivalent|consistent", help="What it must reach to end with 0."
        ),
    ] = "equivalent",
    vary: Annotated[
        str | None,
        typer.Option("--vary", metavar="LIST|all", help="Repeat in slightly different surroundings too."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j",
            "--jobs",
            metavar="J",
            min=1,
            max=MOST_JOBS,
            help="Repeats at a time; 1, or all on an engine.",
        ),
    ] = None,
    on: On = None,
    on_opt: OnOpt = None,
    through: Through = None,
    retries: Retries = None,
    environment: Annotated[
        Literal["check", "strict", "recreate", "docker"],
        typer.Option("--env", metavar="check|strict|recreate|docker", help="As for xt rerun."),
    ] = "check",
    tol: Annotated[
        list[str] | None,
        typer.Option("--tol", metavar="NAME=KIND:X", help="Tolerance of a metric or an output."),
    ] = None,
    early_stop: Annotated[
        bool,
        typer.Option("--early-stop/--no-early-stop", help="Stop when the verdict can no longer change."),
    ] = True,
    diagnose: Annotated[
        bool, typer.Option("--diagnose/--no-diagnose", help="Find out why repeats differ, by experiments.")
    ] = True,
    explain: Annotated[bool, typer.Option("--explain", help="Show every trial and test.")] = False,
    style: Annotated[
        Literal["terminal", "json", "markdown", "junit"],
        typer.Option("--format", metavar="terminal|json|markdown|junit", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    ci: Ci = None,
    ci_dir: CiDir = None,
) -> int:
    """Repeat runs and judge the repeats: identical, equivalent, consistent or divergent."""
    from xt.cli.elsewhere import EndedError, closing, elsewhere, ending, interrupted
    from xt.context import Outside
    from xt.errors import EXIT_UNVERIFIABLE, UsageError
    from xt.ops.diff.rules import Rules
    from xt.ops.find import open_store, project_settings, resolve
    from xt.ops.verify.one import REPEATS, Asked
    from xt.ops.verify.verb import variations
    from xt.ops.verify.verb import verify as verb
    from xt.render.progress import Progress

    if against is not None and (repeat is not None or vary is not None):
        raise UsageError("--against makes no repeats: --repeat and --vary do not go with it")
    if against is not None and on is not None:
        raise UsageError("--against makes no repeats: --on does not go with it")
    if against is not None and len(references) > 1:
        raise UsageError("--against compares one run", "xt verify RUN --against REF")
    if as_json and style not in ("terminal", "json"):
        raise UsageError(f"--json and --format {style} are two forms", "choose one of them")
    outside = Outside.real()
    job = job_of("verify", ci, ci_dir, outside)
    store = open_store(outside)
    runs = list(dict.fromkeys(resolve(store, reference, outside) for reference in references))
    repeats = repeat if repeat is not None else REPEATS
    place = elsewhere(store, outside, on, on_opt, retries, jobs, repeats, through)
    fan = place.fan
    asked = Asked(
        repeats=repeats,
        required=level,
        vary=variations(vary) if vary is not None else (),
        against=resolve(store, against, outside) if against is not None else None,
        jobs=place.jobs,
        environment=environment,
        early_stop=early_stop,
        diagnose=diagnose,
    )
    rules = Rules(project_settings(outside), tol or [])
    progress = Progress(sys.stderr, outside.environ, "")

    now = ""

    def step(doing: str, run_id: str, done: int, total: int) -> None:
        nonlocal progress, now
        if doing != now:
            # Steps of another kind take another time.
            progress.close()
            progress, now = Progress(sys.stderr, outside.environ, ""), doing
        progress.label = f"{doing} {run_id[: store.shown(run_id)]}"
        if fan is not None and fan.waiting:
            progress.label += f" ({fan.going} going, {fan.waiting} waiting)"
        progress.step(done, total)

    try:
        with ending(), closing(fan):
            found = verb(store, runs, asked, rules, outside, step, fan)
    except (EndedError, KeyboardInterrupt) as ended:
        progress.close()
        return interrupted(ended, fan)
    finally:
        progress.close()
    _write(found, "json" if as_json else style, explain, outside, job)
    if job is not None:
        from xt.ops.ci.judged import of_verify
        from xt.render.verify_junit import render as junit
        from xt.render.verify_markdown import render as markdown

        job.tell(
            lambda: of_verify(found, store, job.around),
            lambda _, most: markdown(found, explain=explain, most=most),
            lambda _: junit(found),
        )
    if found.level == "unverifiable":
        return EXIT_UNVERIFIABLE
    return 0 if found.reached else 1


def _write(found: Verifications, style: str, explain: bool, outside: Outside, job: Job | None) -> None:
    from importlib import import_module

    if style == "json":
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    elif style == "terminal":
        from xt.render.terminal import colour, width
        from xt.render.verify import render

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, columns, colours, explain=explain).encode("utf-8", "backslashreplace")
    else:
        text = import_module(f"xt.render.verify_{style}").render(found)
        data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    if job is not None:
        data = job.page(data, style, "; ".join(one.sentence for one in found.verifications))
    sys.stdout.buffer.write(data)
