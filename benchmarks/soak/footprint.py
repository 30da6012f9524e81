"""What a process and its children take of the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

BLOCK = 512
"""Bytes of the blocks that `stat` counts, whatever the file system has."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """As of one moment."""

    resident: int
    """Bytes of the process itself that are in memory (RSS)."""
    share: int
    """
    Bytes of the process and its children, what they share counted once (PSS).

    A child that was forked to write a snapshot has nearly all of its parent's memory.
    """
    cpu: float
    """Seconds of processor time since it started, those of ended children included."""


def footprint(pid: int) -> Footprint | None:
    """Look at a process; None where it has ended."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        family = [process, *process.children(recursive=True)]
        return Footprint(
            resident=process.memory_info().rss,
            share=sum(map(_share, family)),
            cpu=times.user + times.system + times.children_user + times.children_system,
        )
    except psutil.NoSuchProcess:
        return None


def _share(process: psutil.Process) -> int:
    """Of a child that has just ended nothing is left; without PSS, as on macOS, what is its own."""
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0
    return int(getattr(memory, "pss", memory.uss))


def disk_use(folder: Path) -> int:
    """Bytes that a folder's files take on the disk; Kafka's index files are mostly holes."""
    return sum(_blocks(Path(root) / name) for root, _, names in os.walk(folder) for name in names)


def _blocks(file: Path) -> int:
    """Nothing where it was removed meanwhile."""
    try:
        return file.lstat().st_blocks * BLOCK
    except FileNotFoundError:
        return 0
