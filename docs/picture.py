"""Draw `docs/images/run.svg` and `verify.svg`: real runs in a real terminal, as xt colours it.

python docs/picture.py [FOLDER]

It installs xt and NumPy into a fresh environment, runs the example there, and draws what the terminal got.
Only names of a person, a machine and a temporary folder are replaced.
"""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import termios
import venv
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 100
#: Run before the picture, and in it.
BEFORE = [
    'xt run -m "reference" -t gold -- python train.py --epochs 6',
    'xt baseline set @ -m "the one to beat"',
    'xt run -m "a larger network?" -- python train.py --epochs 6 --hidden 64',
    'xt run -m "typo" -- python train.py --epoch 6 --hiden 64',
    'xt run -m "reference, again" -- python train.py --epochs 6',
    'xt run -m "reference, again" -- python train.py --epochs 6',
]
SHOWN = {
    "run": [
        'xt run -m "does a lower learning rate help?" -- python train.py --epochs 6 --lr 0.02',
        "xt ls",
        "xt diff",
    ],
    "verify": [
        "xt verify baseline --repeat 3 --vary threads,hashseed,timezone",
        'xt run -q -m "which words are there?" -o words.json -- python words.py',
        "xt verify @",
    ],
}
#: A program with the most common source of nondeterminism in Python.
WORDS = """\
import json

words = set(open("README.md").read().split())
with open("words.json", "w") as file:
    json.dump(list(words)[:100], file)
"""
THEME = TerminalTheme(
    (22, 24, 29),
    (205, 209, 217),
    [
        *((42, 46, 54), (233, 104, 96), (126, 192, 118), (222, 178, 96)),
        *((103, 161, 235), (190, 140, 220), (92, 184, 190), (205, 209, 217)),
    ],
    [
        *((110, 116, 128), (240, 130, 122), (150, 210, 142), (236, 198, 126)),
        *((134, 184, 246), (208, 166, 234), (122, 206, 212), (240, 242, 246)),
    ],
)
FONTS = "ui-monospace, SFMono-Regular, 'SF Mono', Menlo, 'DejaVu Sans Mono', Consolas, monospace"


def terminal(command: str, folder: Path, environ: dict[str, str]) -> str:
    """Run a command line on a terminal of its own; return what the terminal got."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (50, COLUMNS))
    with subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave
    ):
        os.close(slave)
        parts = []
        with contextlib.suppress(OSError):  # how a terminal says that all have closed it
            while part := os.read(master, 65536):
                parts.append(part)
    os.close(master)
    return b"".join(parts).decode().replace("\r\n", "\n")


def scenes(work: Path) -> dict[str, Text]:
    """Run everything in a fresh copy of the example; return the parts that are shown, by name."""
    clone = work / "digits"
    shutil.copytree(ROOT / "docs/examples/digits", clone, ignore=shutil.ignore_patterns(".xt", "*.npz"))
    (clone / ".gitignore").write_text("metrics.json\nmodel.npz\ncases.jsonl\n.venv/\n")
    (clone / "words.py").write_text(WORDS)
    venv.create(clone / ".venv", with_pip=True)
    binaries = clone / ".venv/bin"
    subprocess.run([binaries / "pip", "install", "-q", str(ROOT), "numpy"], check=True)
    environ = {
        **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(clone / ".venv"),
        "TERM": "xterm-256color",
        "PAGER": "cat",
    }
    git = ["git", "-c", "user.name=you", "-c", "user.email=you@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "The example"]):
        subprocess.run([*git, *words], cwd=clone, check=True)
    for command in BEFORE:
        terminal(command, clone, environ)
    return {name: scene(commands, clone, environ, work) for name, commands in SHOWN.items()}


def scene(commands: list[str], clone: Path, environ: dict[str, str], work: Path) -> Text:
    """Type commands, and keep what the terminal showed."""
    text = Text()
    for command in commands:
        text.append("$ ", "bright_black").append(command + "\n", "bold")
        text.append(Text.from_ansi(scrubbed(terminal(command, clone, environ), work).strip("\n")))
        text.append("\n\n" if command != commands[-1] else "")
    return text


def scrubbed(output: str, work: Path) -> str:
    """Put other names in the place of a person, a machine and a folder; of a progress line, what stays."""
    output = re.sub(r"(?:[^\n]*\r|\x1b\[2?K)", "", output)
    output = re.sub(rf"{re.escape(str(work))}/", "~/", output)
    return output.replace(f"{getpass.getuser()}@{platform.node()}", "you@host")


def drawn(text: Text) -> str:
    """Make the picture; it loads nothing from elsewhere."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(text, soft_wrap=False, overflow="fold")
    picture = console.export_svg(title="xt", theme=THEME, unique_id="xt")
    picture = re.sub(r"\s*@font-face \{.*?\}\n", "\n", picture, flags=re.S)
    picture = re.sub(r"font-family: (Fira Code|arial)[^;]*;", f"font-family: {FONTS};", picture)
    return re.sub(r"<!-- Generated with.*?-->\s*", "", picture)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for name, text in scenes(Path(work)).items():
            (folder / f"{name}.svg").write_text(drawn(text))
            print("written:", folder / f"{name}.svg")


if __name__ == "__main__":
    main()
