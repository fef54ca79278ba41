"""What have processes used: CPU so far, memory now?"""

import re
import time
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and its children (nginx works in one)."""
    children = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(int(child) for found in children for child in found)]


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes, to the nanosecond: the clock that clock_getcpuclockid(3) names."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def rss_mib(pids: list[int]) -> float:
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in texts) / 1024
