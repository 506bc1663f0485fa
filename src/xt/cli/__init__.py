"""The command line: parse, call one verb, give its report to a renderer. Owns exit statuses and printing."""

import os
import sys


def _theirs_last() -> None:
    """Look for modules where Python and xt are installed, and in the folders of PYTHONPATH after that.

    The variable is meant for the command: a project with a `queue.py` must not keep xt from starting. What is
    found nowhere else is still found there, as on machines where every package has a folder of its own.
    """
    given = os.environ.get("PYTHONPATH")
    if not given:
        return
    try:
        theirs = {os.path.abspath(folder) for folder in given.split(os.pathsep)}
    except OSError:
        return  # the working directory is gone, and nothing is found in it
    library = os.path.dirname(os.__file__)
    sys.path.sort(key=lambda folder: folder in theirs and not folder.startswith(library))


_theirs_last()
