"""Verify every program, and print what was found as the table of decision 17.

python -m tests.programs
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.programs import PROGRAMS, Program, change, missing, prepare, serving


def verified(program: Program, folder: Path, url: str, locales: Path) -> dict:
    """Run a program under xt, change what it says is changed, and verify."""
    folder.mkdir()
    prepare(program, folder)
    subprocess.run("git init -q && git add -A && git commit -qm first", shell=True, cwd=folder, check=True)
    env = {**os.environ, **program.environ, "LOCPATH": str(locales)}
    xt = [sys.executable, "-m", "xt"]
    declared = [word for path in program.inputs for word in ("-i", path)]
    words = [word.replace("{url}", url) for word in program.command]
    subprocess.run(
        [*xt, "run", "-q", "-o", program.output, *declared, "--", *words],
        cwd=folder, env=env, check=True, capture_output=True,
    )  # fmt: skip
    change(program, folder)
    vary = ["--vary", ",".join(program.vary)] if program.level == "identical" and program.vary else []
    done = subprocess.run([*xt, "verify", "@", "--json", *vary], cwd=folder, env=env, capture_output=True)
    return json.loads(done.stdout)["verifications"][0]


def main() -> None:
    print("| program | level of repeats | source found | named right | trials |")
    print("|---|---|---|---|--:|")
    levels = names = tried = sources = 0
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        locales = Path(folder, "locales")
        locales.mkdir()
        subprocess.run(
            ["sh", "-c", f"localedef -i en_US -f UTF-8 {locales}/en_US.UTF-8"], capture_output=True
        )
        for program in PROGRAMS:
            if reason := missing(program):
                print(f"| {program.name} | not tried: {reason} | | | |")
                continue
            found = verified(program, Path(folder, program.name), url, locales)
            columns, diagnosis = found.get("columns", []), found.get("diagnosis") or {}
            level = columns[0]["level"] if columns else found["level"]
            told = diagnosis.get("sources", [])
            if program.source == "input":
                told = ["input"] if program.inputs[0] in " ".join(found["missing"]) else []
            right = program.source in told[:1] if program.source else not told
            tried += 1
            levels += level == program.level
            sources += program.source is not None
            names += program.source is not None and right
            trials = sum(trial["n"] for trial in diagnosis.get("trials", []))
            said = ", ".join(told) or "–"
            shown = level + (
                f"; changed by {', '.join(program.vary)}" if program.vary and level == "identical" else ""
            )
            name, verdict = program.name.replace("_", " "), "yes" if right else "no"
            print(f"| {name} | {shown} | {said} | {verdict} | {trials} |")
    print(f"\nLevel right: {levels} of {tried}. Source named right: {names} of {sources}.")


if __name__ == "__main__":
    main()
