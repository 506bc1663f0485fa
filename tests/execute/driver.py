"""Run one command through `xt.execute.local` and no other part of xt, as a process of its own.

`driver.py OPTIONS COMMAND…`: the options are a JSON file; what became of the command goes to another.
"""

import json
import os
import sys


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        options = json.load(file)
    sys.path[:] = options["path"]
    from xt.cli.main import plug_closed

    plug_closed()
    import msgspec

    from xt.context import Outside
    from xt.execute import Job
    from xt.execute.local import run

    exec(options["before"], {})  # a fault to be injected
    ended = run(
        Job(
            argv=sys.argv[2:],
            environ=dict(Outside.real().environ),
            folder=options["folder"],
            secrets=options["secrets"],
            grace=options["grace"],
            idle_grace=options["idle_grace"],
            max_log=options["max_log"],
            mask_tokens=options["mask_tokens"],
        )
    )
    with open(options["result"] + ".tmp", "wb") as file:
        file.write(msgspec.json.encode(ended))
    os.rename(options["result"] + ".tmp", options["result"])
    os._exit(ended.xt_exit)  # as `cli` does: what the command left behind is not waited for


main()
