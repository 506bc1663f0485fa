"""What a power failure can take: in which order contents, names and folders reach the disk.

A file is on the disk when it was flushed, its name when its folder was, after it got it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.conftest import SOURCE
from xt.store.objects import TOGETHER

CALL = re.compile(r'^\d+ +(\w+)\((?:\d+<([^>]*)>|"([^"]*)", "([^"]*)"|"([^"]*)", 0\d+)\) += 0$', re.M)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("files", [3, 70], ids=["one by one", "together"])
def test_a_record_that_has_its_name_has_all_it_names_on_the_disk(project, files):
    """With the folders that are made for it, from that of the store on."""
    trace = project.path.parent / "trace"
    calls = "trace=fsync,syncfs,rename,mkdir"
    script = f"mkdir plots; for n in $(seq {files}); do echo $n > plots/$n; done; echo model > m; echo said"
    words = project.command("run", "-q", "-o", "plots", "-o", "model:m", "--", "sh", "-c", script)
    subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", calls, "-o", trace, *words],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        check=True,
        capture_output=True,
    )
    store = os.path.realpath(project.path / ".xt")
    kept = (f"{store}/objects", f"{store}/runs")
    flushed: set[str] = set()
    #: Folders in which a name was given that may be lost.
    loose: set[str] = set()
    objects = recorded = 0
    together = False
    for call, flush, source, target, made in CALL.findall(trace.read_text()):
        if call == "syncfs":
            loose.clear()
            together = True
        elif call == "mkdir":
            folder = os.path.normpath(made)
            if folder == store or folder.startswith(kept):
                loose.add(os.path.dirname(folder))
        elif call == "fsync":
            flushed.add(flush)
            loose.discard(flush)
        elif target.startswith(kept):
            assert source in flushed or (together and "/objects/" in target), f"{target} may be empty"
            if "/runs/" in target:
                assert not [folder for folder in loose if folder.startswith(kept[0])], (
                    "names of contents may be lost"
                )
                recorded += 1
            objects += "/objects/" in target
            loose.add(os.path.dirname(target))
    assert (recorded, loose) == (1, set())
    assert objects >= files + 3, "files, a manifest, a log"
    assert together == (files > TOGETHER)
