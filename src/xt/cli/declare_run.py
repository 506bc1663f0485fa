"""Declaration of `xt run`."""

from __future__ import annotations

from typing import Annotated

import typer

from xt.cli.ci_options import Ci, CiDir
from xt.cli.fast import Words
from xt.join import Asked


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND...", help="What to run; its options are its own.", show_default=False
        ),
    ] = None,
    purpose: Annotated[str | None, typer.Option("-m", "--purpose", help="Why this run is made.")] = None,
    name: Annotated[str | None, typer.Option("-n", "--name", help="A name to find it by.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("-t", "--tag", metavar="TAG", help="A tag; may be repeated.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "-i", "--input", metavar="[ROLE:]PATH|GLOB|URI", help="Something it reads; may be repeated."
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o", "--output", metavar="[ROLE:]PATH|GLOB", help="Something it writes; may be repeated."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--param", metavar="KEY=VALUE|FILE", help="A setting, or a YAML, TOML or JSON file of them."
        ),
    ] = None,
    fact: Annotated[
        list[str] | None,
        typer.Option(
            "--fact", metavar="KEY=VALUE", help="Something that is so and no option says; may be repeated."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME=FILE:SELECTOR|NAME=log:REGEX",
            help="A number that comes out; may be repeated.",
        ),
    ] = None,
    metrics_from: Annotated[
        list[str] | None,
        typer.Option(
            "--metrics",
            metavar="FORMAT:PATH",
            help="Metrics another tool writes: tensorboard, wandb, mlflow, dvclive, lightning, trainer, "
            "lm-eval, promptfoo; may be repeated.",
        ),
    ] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", help="Ticket or issue it belongs to.")] = None,
    task: Annotated[
        str | None, typer.Option("--as", metavar="TASK", help="Declarations of [task.TASK] in xt.toml.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse to start without the required evidence.")
    ] = False,
    seed: Annotated[
        str | None, typer.Option("--seed", metavar="N|auto", help="Seed, handed on as XT_SEED; recorded.")
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(
            "--sign",
            metavar="KEY",
            help="Sign the record with this ed25519 key, or by the ssh-agent: KEY.pub.",
        ),
    ] = None,
    reuse: Annotated[
        str | None,
        typer.Option(
            "--reuse",
            metavar="[=any|verified]",
            help="Put in place what an equal (and verified) run gave, and run nothing.",
        ),
    ] = None,
    docker: Annotated[
        str | None,
        typer.Option("--docker", metavar="IMAGE", help="Run it in a container of an image that is here."),
    ] = None,
    docker_opt: Annotated[
        list[str] | None,
        typer.Option(
            "--docker-opt", metavar="OPT", help="Option of docker run, as --shm-size=8g; may be repeated."
        ),
    ] = None,
    per_rank: Annotated[
        bool, typer.Option("--per-rank", help="Below srun, mpirun or torchrun: a run for each rank.")
    ] = False,
    directory: Annotated[str | None, typer.Option("-C", metavar="DIR", help="Run in this folder.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No line after the command.")] = False,
    ci: Ci = None,
    ci_dir: CiDir = None,
) -> int:
    """Record one execution of any command."""
    from xt.cli.run import execute

    asked = Asked(
        purpose=purpose,
        name=name,
        tags=tag or [],
        inputs=inputs or [],
        outputs=output or [],
        params=param or [],
        facts=fact or [],
        metrics=metric or [],
        metrics_from=metrics_from or [],
        ticket=ticket,
        task=task,
        strict=strict or None,
        seed=seed,
        reuse=reuse,
        docker=docker,
        docker_options=docker_opt or [],
        sign=sign,
        quiet=quiet or None,
        ci=ci,
        ci_dir=ci_dir,
        per_rank=per_rank or None,
    )
    return execute(Words(asked, directory, command or []))
