"""The variation of the locale: one of those installed here that sorts differently."""

from __future__ import annotations

import glob
import os
import subprocess

from xt.execute.vary import Around, ImpossibleError
from xt.fsio import find_program

#: Tried first, for their sort orders and numbers differ most from English: Estonian has z before t, Danish aa
#: at the end, Czech ch after h.
PREFERRED = ("et_EE", "da_DK", "cs_CZ", "sv_SE", "tr_TR", "de_DE", "fr_FR", "en_US", "en_GB")
#: What languages sort differently: case, accents, letters of two characters.
WORDS = ("aa", "B", "ch", "d", "t", "z", "Z", "_a", "ä", "ø", "ž")
#: Locales that are tried at most; each is one start of `sort`.
MOST = 12
LONGEST = 20  # seconds


def locale(around: Around) -> str:
    """Set LC_ALL to a UTF-8 locale whose sort order differs from the recorded one's.

    Where only C and C.UTF-8 are installed it is the other of the two, which sort alike.

    Raises:
        ImpossibleError: no other locale is installed, or it cannot be told which are.
    """
    old = next(
        (value for name in ("LC_ALL", "LC_COLLATE", "LANG") if (value := around.environ.get(name))), "C"
    )
    names = [name for name in _installed(around) if _key(name) != _key(old)]
    tried = sorted((name for name in names if _key(name).endswith("utf8")), key=_rank)[:MOST]
    before = _sorted(around, old)
    for name in tried:
        if _sorted(around, name) != before:
            return _set(around, name, f"instead of {old}")
    plain = "c" if _key(old) == "cutf8" else "cutf8"
    other = next((name for name in names if _key(name) == plain), None)
    if other is None:
        raise ImpossibleError(f"no locale but {old} is installed")
    return _set(around, other, f"instead of {old}; none that sorts differently is installed")


def _set(around: Around, name: str, note: str) -> str:
    around.environ.update(LC_ALL=name, LANG=name)
    around.environ.pop("LANGUAGE", None)
    return f"LC_ALL={name} {note}"


def _installed(around: Around) -> list[str]:
    if find_program("locale", around.environ.get("PATH", "")) is None:
        raise ImpossibleError("there is no program `locale` to ask which are installed")
    names = [name for name in _output(around, ["locale", "-a"], {}).split("\n") if name]
    for folder in filter(None, around.environ.get("LOCPATH", "").split(":")):  # `locale -a` leaves it out
        names += (
            os.path.basename(os.path.dirname(path))
            for path in glob.glob(f"{glob.escape(folder)}/*/LC_COLLATE")
        )
    return names


def _sorted(around: Around, name: str) -> str:
    return _output(around, ["sort"], {"LC_ALL": name}, "\n".join(WORDS) + "\n")


def _output(around: Around, argv: list[str], more: dict[str, str], given: str = "") -> str:
    environ = {key: value for key in ("PATH", "LOCPATH") if (value := around.environ.get(key))}
    try:
        done = subprocess.run(
            argv,
            env={**environ, **more},
            input=given.encode(),
            capture_output=True,
            timeout=LONGEST,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ImpossibleError(f"`{argv[0]}` failed: {error}") from error
    return done.stdout.decode(errors="surrogateescape")


def _key(name: str) -> str:
    """A name as compared: `en_US.UTF-8` and `en_US.utf8` are one."""
    return name.lower().replace("-", "").replace(".", "").replace("posix", "c")


def _rank(name: str) -> tuple[int, str]:
    first = next((number for number, start in enumerate(PREFERRED) if name.startswith(start)), len(PREFERRED))
    return first, name
