"""How far a change of a gateway is, for one line of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.progress import Progress

if TYPE_CHECKING:
    from gateway_policies.gateway import Step

_WIDE = 20


class Told:
    """What a gateway reports while it changes, told as it comes: a bar for what is counted, a trail for what is not.

    A bar is written again when it is a percent further, so that thousands of files cost no more than a hundred do.
    """

    def __init__(self, progress: Progress, gateway: str, edits: int) -> None:
        """
        Args:
            edits: how many changes there are.
        """
        self._progress = progress
        self._what = f"{edits:,} {'change' if edits == 1 else 'changes'} of {gateway}"
        self._trail: list[str] = []
        self._percent = -1
        progress.show(f"{self._what}: on the way")

    def __call__(self, step: Step) -> None:
        """Say how far it is."""
        from gateway_policies.gateway import Stage

        if step.stage is Stage.WRITTEN:
            percent = 100 * step.done // step.of if step.of else 100
            if percent > self._percent:
                self._percent = percent
                self._progress.show(
                    f"{bar(step.done, step.of)} {step.done:,} of {step.of:,} files written, as revision {step.revision}"
                )
            return
        named = "" if step.revision is None else f" as revision {step.revision}"
        self._trail.append(f"{step.stage.value}{named}")
        self._progress.show(f"{self._what}: {' → '.join(self._trail)}")


def bar(done: int, of: int, width: int = _WIDE) -> str:
    """``████░░░░``: as much of it as is done, and full only at the end."""
    filled = width if done >= of else width * done // of
    return "█" * filled + "░" * (width - filled)
