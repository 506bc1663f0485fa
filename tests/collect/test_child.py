"""Helper programs: many at once, much output, none left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import time

import pytest

from xt.collect.child import Child


def python(program: str, data: bytes | None = None) -> Child:
    return Child([sys.executable, "-c", program], os.environ, data)


def test_exit_code_and_both_streams():
    child = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert child.wait(30) == (3, b"out\n", b"err\n")


def test_standard_input_is_what_is_given_or_nothing():
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    data = os.urandom(3_000_000)
    assert python(echo, data).wait(30) == (0, data, b"")
    assert python(echo).wait(30) == (0, b"", b"")


def test_many_with_more_output_than_a_pipe_holds_do_not_wait_for_each_other():
    much = "import sys; sys.stdout.write('o' * 500_000); sys.stderr.write('e' * 500_000)"
    children = [python(much) for _ in range(4)]
    for child in reversed(children):
        code, out, messages = child.wait(30)
        assert (code, len(out), len(messages)) == (0, 500_000, 500_000)


def test_one_that_hangs_is_killed():
    child = python("import time; time.sleep(60)")
    with pytest.raises(TimeoutError):
        child.wait(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_one_nobody_waits_for_can_be_ended():
    child = python("import time; time.sleep(60)")
    child.end()
    child.end()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_what_it_started_itself_is_waited_for_no_longer():
    """A helper of git's holds the streams open when git is gone."""
    began = time.monotonic()
    script = "sleep 50 & echo $!; sleep 50"
    for give_up in (Child.end, lambda child: child.wait(0.3)):
        child = Child(["/bin/sh", "-c", script], os.environ)
        with contextlib.suppress(TimeoutError):
            give_up(child)
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)
    assert time.monotonic() - began < 40, "not until the helper has ended"


def test_a_signal_is_a_negative_code():
    assert python("import os; os.kill(os.getpid(), 9)").wait(30)[0] == -9


def test_a_program_that_is_not_there():
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0
    with pytest.raises(FileNotFoundError):
        Child(["/no/such/program"], os.environ)
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_it_does_not_inherit_an_ignored_sigpipe():
    began = time.monotonic()
    assert Child(["/bin/sh", "-c", "yes | head -1"], os.environ).wait(30)[0] == 0
    assert time.monotonic() - began < 30
