"""What differs in the code of two runs: git's own diff of the exact trees."""

from __future__ import annotations

import os

import pytest

from xt.context import Outside
from xt.ops.diff import code
from xt.ops.diff.code import Patch
from xt.ops.show import page
from xt.store import Store

SHORT = Patch(None, False)


@pytest.fixture
def compared(project):
    """Compare the code of the last two runs of a project."""

    def compare(patch=SHORT, where=project):
        store = Store.open(str(where.path / ".xt"))
        outside = Outside(str(where.path), dict(os.environ))
        listed = where.xt("ls", "--json")
        import json

        rows = json.loads(listed.out)
        rows = rows["runs"] if isinstance(rows, dict) else rows
        newest, before = rows[0]["id"], rows[1]["id"]
        left, right = (page(store, run).snapshot for run in (before, newest))
        return code.compare(store, left, right, patch, outside)

    return compare


def twice(where, change, *command):
    assert where.run("--", *(command or ("true",))).code == 0
    change()
    assert where.run("--", *(command or ("true",))).code == 0


def test_the_same_tree_is_the_same(project, compared):
    twice(project, lambda: None)
    assert compared().relation == "same"


def test_an_edit_is_a_unified_diff(project, compared):
    project.write("train.py", "lr = 0.1\nprint('training')\n")
    twice(project, lambda: project.write("train.py", "lr = 0.05\nprint('training')\n"))
    found = compared()
    assert found.relation == "changed"
    [file] = found.children
    assert (file.path, file.change) == ("code/train.py", "changed")
    assert {measure.what: measure.value for measure in file.measures} == {
        "lines added": 1,
        "lines removed": 1,
    }
    assert file.text == ["@@ -1,2 +1,2 @@", "-lr = 0.1", "+lr = 0.05", " print('training')"]


def test_words_that_changed_are_marked(project, compared):
    project.write("train.py", "step = lr * 0.5\ndiff --git a b\n")
    twice(project, lambda: project.write("train.py", "step = lr * 0.25\ndiff --git a c\n"))
    [file] = compared(Patch(None, True)).children
    assert file.text[1:] == [" step = lr * [-0.5-]{+0.25+}", " diff --git a [-b-]{+c+}"]


def test_a_moved_file_is_a_rename(project, compared):
    project.write("model.py", "".join(f"line {n}\n" for n in range(40)))

    def move():
        project.sh("mkdir net && mv model.py net/model.py && echo more >> net/model.py")

    twice(project, move)
    [file] = compared().children
    assert (file.change, file.left, file.right) == ("renamed", "model.py", "net/model.py")
    assert file.text[-1] == "+more"


def test_binary_files_and_modes_are_summarised(project, compared):
    (project.path / "w.bin").write_bytes(bytes(range(256)))
    project.write("go.sh", "echo\n")

    def change():
        (project.path / "w.bin").write_bytes(bytes(300))
        (project.path / "go.sh").chmod(0o755)

    twice(project, change)
    found = {child.path: child for child in compared().children}
    assert found["code/w.bin"].note == "binary, 256 B → 300 B"
    assert found["code/w.bin"].text == []
    assert found["code/go.sh"].note == "mode 644 → 755"


def test_added_and_removed_files_and_names_of_any_kind(project, compared):
    names = ["a b.txt", "tab\tname", "line\nbreak", "ünï.txt", '"quoted"']
    for name in names[:2]:
        project.write(name, "text\n")

    def change():
        for name in names[:2]:
            (project.path / name).unlink()
        for name in names[2:]:
            project.write(name, "other\n")

    twice(project, change)
    found = {child.path: child.change for child in compared().children}
    assert found == {f"code/{n}": "removed" for n in names[:2]} | {f"code/{n}": "added" for n in names[2:]}


def test_a_long_patch_is_counted_and_fetched_when_asked_for(project, compared):
    project.write("big.txt", "".join(f"{n}\n" for n in range(3000)))
    twice(project, lambda: project.write("big.txt", "".join(f"{n}!\n" for n in range(3000))))
    [file] = compared().children
    assert file.text == []
    assert [measure.value for measure in file.measures] == [3000, 3000]
    [whole] = compared(Patch(True, False)).children
    assert len([line for line in whole.text if line.startswith("+")]) == 3000
    [none] = compared(Patch(False, False)).children
    assert none.text == []


def test_code_in_a_submodule_is_compared_there(project, compared, tmp_path):
    project.sh(
        f"git init -q {tmp_path}/lib && cd {tmp_path}/lib && echo 1 > f.py && git add . && git commit -qm l"
    )
    project.sh(
        f"git -c protocol.file.allow=always submodule --quiet add {tmp_path}/lib lib && git commit -qm sub"
    )
    twice(project, lambda: project.write("lib/f.py", "2\n"))
    [file] = compared().children
    assert file.path == "code/lib/f.py"
    assert file.text[1:] == ["-1", "+2"]


def test_without_git_the_folder_is_compared(folder, compared):
    folder.write("a.sh", "echo 1\n")
    twice(folder, lambda: folder.write("a.sh", "echo 2\n"))
    [file] = compared(where=folder).children
    assert file.text[1:] == ["-echo 1", "+echo 2"]


def test_a_file_left_out_of_the_snapshot_is_unknown_when_its_size_differs(project, compared):
    project.write(".env", "A=1\n")
    twice(project, lambda: project.write(".env", "A=22222\n"))
    [file] = compared().children
    assert (file.path, file.relation) == ("code/.env", "unknown")


def test_users_diff_settings_run_nothing(project, compared, hermetic):
    project.sh(
        "git config diff.external 'touch pwned' && git config diff.x.textconv 'touch pwned' &&"
        " git config core.pager 'touch pwned' && echo '* diff=x' > .gitattributes"
        " && git add . && git commit -qm a"
    )
    twice(project, lambda: project.write("train.py", "other\n"))
    assert compared().relation == "changed"
    assert not (project.path / "pwned").exists()
