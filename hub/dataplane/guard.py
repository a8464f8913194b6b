"""``python guard.py COMMAND...``: runs a command, and ends it when standard input ends.

The hub holds the other end of that pipe; when the hub is gone, however it ended, so is the command. Where the system
can tell a process that its parent is gone, the command ends with its guard too. Nothing of the hub is imported here:
this is a process of its own that only waits, and it should be small.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_ENDS_WITHIN = 3.0
_LEFT = (signal.SIGINT, signal.SIGTERM)
"""Signals that a terminal sends to all of its group; when the command ends, whoever holds the pipe decides."""


def _bind(parent: int) -> Callable[[], None]:
    """What the command does before it begins: it takes signals as ever, and asks to be told when its parent is gone."""
    prctl = None
    if sys.platform.startswith("linux"):
        import ctypes

        prctl = ctypes.CDLL(None, use_errno=True).prctl

    def bound() -> None:
        for number in _LEFT:
            signal.signal(number, signal.SIG_DFL)
        if prctl is not None:
            prctl(_DIES_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it was gone before this was said
                os._exit(1)

    return bound


def main(command: list[str]) -> int:
    """Run a command until it ends, or standard input does.

    Returns:
        Its exit code; negative for the signal that ended it.
    """
    for number in _LEFT:
        signal.signal(number, signal.SIG_IGN)
    # started by the thread that lives as long as this process: the signal comes when the thread ends that did it
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_bind(os.getpid()))  # noqa: S603
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def _end_with_input(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):
        pass
    child.terminate()
    try:
        child.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) & 0xFF)
