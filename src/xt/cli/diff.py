"""`xt diff`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Literal

from xt.cli.ci_job import job as job_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from xt.cli.ci import Job
    from xt.cli.ci_options import Ci, CiDir
    from xt.model.delta import Comparison, Gate
    from xt.render.diff_view import View
    from xt.store import Store


def diff(
    left: Annotated[
        str | None,
        typer.Argument(metavar="[A]", help="Run to compare with. Without runs: the baseline and @."),
    ] = None,
    right: Annotated[
        str | None,
        typer.Argument(metavar="[B]", help="Run to judge. With one run alone: the baseline and it."),
    ] = None,
    code: Annotated[
        bool | None,
        typer.Option("--code/--no-code", help="The whole patch, or none; else it folds when long."),
    ] = None,
    stat: Annotated[bool, typer.Option("--stat", help="Of code only how much changed in each file.")] = False,
    word_diff: Annotated[bool, typer.Option("--word-diff", help="Changes of code word by word.")] = False,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="SECTION", help="causes, effects, or one of their sections."),
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option("--metrics", metavar="GLOB", help="Only metrics of such names.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="LABEL", help="Show cohorts by this label or column.")
    ] = None,
    tol: Annotated[
        list[str] | None,
        typer.Option(
            "--tol",
            metavar="NAME=KIND:X",
            help="Tolerance of a metric (abs, rel, ulp, sigma) or an output (atol, rtol, ulp).",
        ),
    ] = None,
    logs: Annotated[
        bool, typer.Option("--logs", help="Compare logs too, times and addresses made neutral.")
    ] = False,
    images: Annotated[
        str | None, typer.Option("--images", metavar="DIR", help="Draw how images differ, into this folder.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say how the verdict was found.")] = False,
    style: Annotated[
        Literal["terminal", "json", "markdown", "html"],
        typer.Option("--format", metavar="terminal|json|markdown|html", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if anything shown differs or cannot be told.")
    ] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            metavar="regression|divergent|incomplete[,...]",
            help="End with 1 if that is so, with 3 if it cannot be told.",
        ),
    ] = None,
    ci: Ci = None,
    ci_dir: CiDir = None,
) -> int:
    """Compare two runs: what was changed, what moved, and whether that is noise."""
    from msgspec.structs import replace

    from xt.cli import pager
    from xt.cli.doing import saying
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.diff.gate import gates, names, status_of
    from xt.ops.diff.verb import chosen, compare, narrowed
    from xt.ops.diff.wanted import Options
    from xt.ops.find import open_store, project_settings
    from xt.render.diff_view import CAUSES, EFFECTS, View
    from xt.suggest import suggest

    if exit_code and fail_on is not None:
        raise UsageError("--exit-code and --fail-on each set the status", "choose one of them")
    wanted = names(fail_on) if fail_on is not None else []
    outside = Outside.real()
    job = job_of("diff", ci, ci_dir, outside)
    shown = only or "all"
    sections = ("causes", "effects", *CAUSES, *EFFECTS)
    if only is not None and only not in sections:
        raise UsageError(f"--only: no section `{only}`", suggest(only, sections, "sections"))
    store = open_store(outside)
    one, other = chosen(store, left, right, outside)
    options = Options(
        code=False if stat else code,
        words=word_diff,
        metrics=tuple(metrics or ()),
        by=tuple(by or ()),
        tolerances=tuple(tol or ()),
        logs=logs or shown == "logs",
        images=None if images is None else os.path.join(outside.cwd, images),
    )
    with saying("comparing", outside.environ):
        found = compare(store, one, other, options, project_settings(outside), outside)
    # A gate looks at everything, whatever is shown.
    whole = replace(found, gates=gates(found, wanted))
    found = narrowed(whole, shown)
    view = View(code, stat, shown, word_diff, explain, tuple(by or ()))
    style = "json" if as_json else style
    if style == "json":
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    elif style == "terminal":
        from xt.cli.answer import for_people
        from xt.render.diff import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = for_people(render(found, view, outside.now(), columns, colours))
    else:
        from importlib import import_module

        written = import_module(f"xt.render.diff_{style}").render(found, view, outside.now())
        data = written.encode("utf-8", "backslashreplace")
    if job is not None:
        data = job.page(data, style, found.verdict.sentence)
    pager.write(data, outside.environ, paged=style == "terminal")
    if wanted:
        _say(whole.gates)
    if job is not None:
        _tell(job, whole, view, store)
    if wanted:
        return status_of(whole.gates)
    return 1 if exit_code and found.relation in ("unknown", "changed") else 0


def _say(found: Sequence[Gate]) -> None:
    """Say what each gate came to, where no report in any form is in the way."""
    from xt.cli.fault import harmless

    sys.stdout.flush()
    for gate in found:
        word = {True: "passed", False: "failed", None: "cannot be told"}[gate.passed]
        reasons = f": {'; '.join(gate.reasons)}" if gate.reasons else ""
        print(harmless(f"xt: {gate.name}: {word}{reasons}"), file=sys.stderr)


def _tell(job: Job, found: Comparison, view: View, store: Store) -> None:
    from xt.ops.ci.judged import of_diff
    from xt.render.diff_junit import render as junit
    from xt.render.diff_markdown import render as markdown

    job.tell(
        lambda: of_diff(found, store, job.around),
        lambda _, most: markdown(found, view, job.outside.now(), most),
        lambda _: junit(found),
    )
