"""Room: what a simulated day costs this machine.  The one place here that looks at real time;
its figures go only into values named wall_* and cpu_*, and decide nothing.
"""

import time


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_s(self) -> float:
        """Of this process, all threads."""
        return time.process_time() - self._cpu
