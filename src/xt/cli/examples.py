"""What people do with each command: for its help, its page of the manual, and what is said of a mistake."""

from __future__ import annotations

#: Command → lines to type, and what each does. The first is what a line that lacks something is likened to.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "run": (
        ("xt run -m 'first try' -- python train.py --lr 0.1", "say why"),
        ("xt run -i data/ -o model.bin -o metrics:metrics.json -- make", "what goes in, what comes out"),
        ("xt run --as train --seed 7", "a task of xt.toml"),
        ("xt run -- sh -c 'sort raw.csv | uniq > clean.csv'", "a line of the shell"),
    ),
    "ls": (
        ("xt ls 'metric.loss<0.2 since:7d'", "what fulfils a query"),
        ("xt ls status:failed", "what went wrong"),
        ("xt ls --sort metric.loss -n 5", "the five best, by `goal` in xt.toml"),
        ("xt ls --columns when,metrics,param.lr", "other columns"),
    ),
    "show": (
        ("xt show", "the newest run"),
        ("xt show kwpz --code train.py", "a file as it ran"),
        ("xt show kwpz --json", "the record"),
    ),
    "logs": (
        ("xt logs -f", "follow the newest run"),
        ("xt logs kwpz --stderr -t", "its errors, with times"),
    ),
    "diff": (
        ("xt diff @~1 @", "the two newest runs"),
        ("xt diff", "the newest run against the baseline"),
        ("xt diff kwpz nrqs --only metrics --explain", "how the verdict was found"),
        ("xt diff --fail-on regression", "a gate in CI"),
    ),
    "rerun": (
        ("xt rerun @", "the newest run again, from its record"),
        ("xt rerun kwpz --set lr=0.02 -m 'smaller steps'", "with another setting"),
        ("xt rerun kwpz --env recreate", "with the packages it had"),
    ),
    "verify": (
        ("xt verify @", "does it repeat?"),
        ("xt verify kwpz --repeat 3 --vary threads,hashseed", "in other surroundings too"),
        ("xt verify @ --against kwpz", "compare with a run there is"),
    ),
    "audit": (
        ("xt audit @", "what the newest run has and lacks"),
        ("xt audit --all", "a line for each run"),
    ),
    "sign": (("xt sign @ --key ~/.ssh/id_ed25519", "the newest run"),),
    "baseline": (
        ("xt baseline set @ -m 'good enough to beat'", "pin the newest run"),
        ("xt baseline", "what is pinned"),
        ("xt baseline set kwpz --name release -m 'v2'", "under another name"),
    ),
    "restore": (
        ("xt restore kwpz --to old/", "all it has, into a folder"),
        ("xt restore kwpz model.bin", "one output, in its place"),
    ),
    "trace": (
        ("xt trace model.bin", "which run made a file, from what"),
        ("xt trace --down data/train.csv", "what was made from it"),
    ),
    "stale": (
        ("xt stale", "what no longer holds"),
        ("xt stale --run", "do that again"),
    ),
    "noise": (("xt noise @", "the newest run and its repeats"),),
    "cases": (
        ("xt cases --failed --by lang", "which kind fails"),
        ("xt cases --broken", "what passed in the baseline"),
        ("xt cases --history item-17", "one through time"),
    ),
    "bundle": (
        ("xt bundle ls", "the versions there are"),
        ("xt bundle diff kwpz nrqs", "what differs between those of two runs"),
    ),
    "plot": (
        ("xt plot loss", "the newest run beside the baseline"),
        ("xt plot loss -r tag:sweep --x param.lr -o lr.svg", "many runs, over a setting, as a picture"),
    ),
    "report": (("xt report tag:sweep -o sweep.html", "a page about the runs of a query"),),
    "export": (
        ("xt export @ --to rocrate -o crate", "a folder for others"),
        ("xt export since:7d --to csv -o runs.csv", "a table of many runs"),
    ),
    "tag": (
        ("xt tag @ gold", "put one on"),
        ("xt tag kwpz gold --off", "take it off"),
    ),
    "name": (("xt name @ first-that-works", "then `xt show first-that-works`"),),
    "note": (
        ("xt note @ -m 'overfits from epoch 7 on'", "write one"),
        ("xt note kwpz", "read those there are"),
    ),
    "rm": (
        ("xt rm @", "put the newest run away"),
        ("xt rm --undo kwpz", "bring it back"),
    ),
    "gc": (
        ("xt gc -n", "what would go"),
        ("xt gc --keep 'last 50' --keep tagged -n", "if only these stayed"),
    ),
    "du": (("xt du --runs", "the runs that take the most"),),
    "deploy": (("xt deploy model.bin --to prod -m 'the first'", "this file is live now"),),
    "observe": (
        ("xt observe prod refusals=0.031", "one number"),
        ("xt observe prod --from week.csv", "a table of them"),
    ),
    "prod": (("xt prod", "what is live everywhere"),),
    "blame": (("xt blame prod refusals --since 30d", "which deployment moved it"),),
    "rollback": (
        ("xt rollback prod", "what there is to go back to"),
        ("xt rollback prod --to kwpz -m 'German fails'", "go back"),
    ),
    "remote": (
        ("xt remote add team s3://bucket/runs", "a place to share runs by"),
        ("xt remote status", "what is there and not here"),
    ),
    "push": (("xt push tag:gold --outputs", "some runs, with what came out"),),
    "pull": (("xt pull baseline", "what others are compared with"),),
    "fsck": (
        ("xt fsck", "is all whole?"),
        ("xt fsck --repair", "bring back what is to be had"),
    ),
    "init": (("xt init", "then take the `#` away in front of what fits"),),
}
