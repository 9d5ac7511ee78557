"""A disk that remembers in which order it was written to, and what it may look like when the power goes in between.

What was written is on the disk for sure only when it was synced: a file's content by fsync of the file, its name by fsync of its folder.
Until then each may be there or not, in any order; the images are the corners of that.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAYS = ("all written", "synced alone", "names before contents", "contents before names", "half of the last write")


@dataclass
class _File:
    seen: bytes = b""
    synced: bytes = b""
    last_write: int = 0


@dataclass
class Disk:
    """What is under one folder; ``names`` as programs see them, ``synced`` as they are on the disk. Folders have None."""

    root: Path
    names: dict[str, _File | None] = field(default_factory=dict)
    synced: dict[str, _File | None] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    images: list[tuple[str, str, dict[str, bytes | None]]] = field(default_factory=list)

    def image(self, way: str) -> dict[str, bytes | None]:
        names = self.synced if way in ("synced alone", "contents before names") else self.names
        image: dict[str, bytes | None] = {}
        for name, file in names.items():
            if file is None:
                image[name] = None
            elif way in ("synced alone", "names before contents"):
                image[name] = file.synced
            elif way == "half of the last write":
                image[name] = file.seen[: len(file.seen) - file.last_write // 2]
            else:
                image[name] = file.seen
        # A name in a folder whose own name is not on the disk is not there either.
        return {n: c for n, c in image.items() if all(str(p) in image or str(p) == "." for p in Path(n).parents)}

    def cut(self, step: str) -> None:
        """Keep what the disk may look like if the power goes before this step."""
        self.steps.append(step)
        self.images += [(step, way, self.image(way)) for way in WAYS]


def lay_out(image: dict[str, bytes | None], folder: Path) -> None:
    """Make an image a real folder."""
    folder.mkdir(parents=True)
    for name, content in sorted(image.items()):
        path = folder / name
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)


def disk_of(root: Path) -> Disk:
    """Return a folder as a disk on which all is synced."""
    disk = Disk(root)
    for path in sorted(root.rglob("*")) if root.exists() else []:
        content = None if path.is_dir() else path.read_bytes()
        disk.names[str(path.relative_to(root))] = None if content is None else _File(content, content)
    disk.synced = dict(disk.names)
    return disk


@contextlib.contextmanager
def watched(root: Path) -> Iterator[Disk]:
    """Give the disk below ``root``, which notes every system call that writes there; all of them really happen."""
    disk = disk_of(root)
    opened: dict[int, str] = {}
    real: dict[str, Any] = {name: getattr(os, name) for name in ("open", "close", "write", "fsync", "replace", "mkdir", "unlink")}

    def name_of(path: Any) -> str | None:
        path = Path(os.fsdecode(path)) if not isinstance(path, int) else None
        return str(path.relative_to(root)) if path is not None and path.is_relative_to(root) else None

    def open_(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        name = name_of(path)
        if name is not None and flags & (os.O_CREAT | os.O_TRUNC):
            disk.cut(f"open {name}")
        handle: int = real["open"](path, flags, *rest, **more)
        if name is not None:
            opened[handle] = name
            if flags & os.O_CREAT and name not in disk.names:
                disk.names[name] = _File()
            file = disk.names.get(name)
            if flags & os.O_TRUNC and file is not None:
                file.seen, file.last_write = b"", 0
        return handle

    def close(handle: int) -> None:
        opened.pop(handle, None)
        real["close"](handle)

    def write(handle: int, data: Any) -> int:
        name = opened.get(handle)
        if name is not None:
            disk.cut(f"write {name}")
        n_bytes: int = real["write"](handle, data)
        file = disk.names.get(name) if name is not None else None
        if file is not None:
            file.seen, file.last_write = file.seen + bytes(data)[:n_bytes], n_bytes
        return n_bytes

    def fsync(handle: int) -> None:
        name = opened.get(handle)
        if name is not None:
            disk.cut(f"fsync {name}")
        real["fsync"](handle)
        file = disk.names.get(name or "")
        if file is not None:
            file.synced, file.last_write = file.seen, 0
        elif name is not None:  # a folder
            within = [n for n in disk.names.keys() | disk.synced.keys() if str(Path(n).parent) == name]
            for entry in within:
                if entry in disk.names:
                    disk.synced[entry] = disk.names[entry]
                else:
                    disk.synced.pop(entry)

    def replace(source: Any, to: Any, **more: Any) -> None:
        names = name_of(source), name_of(to)
        disk.cut(f"rename to {names[1]}")
        real["replace"](source, to, **more)
        if names[0] is not None and names[1] is not None:
            disk.names[names[1]] = disk.names.pop(names[0])

    def mkdir(path: Any, *rest: Any, **more: Any) -> None:
        name = name_of(path)
        disk.cut(f"mkdir {name}")
        real["mkdir"](path, *rest, **more)
        if name is not None and name != ".":
            disk.names[name] = None

    def unlink(path: Any, *rest: Any, **more: Any) -> None:
        name = name_of(path)
        real["unlink"](path, *rest, **more)
        disk.names.pop(name or "", None)

    fakes = {"open": open_, "close": close, "write": write, "fsync": fsync, "replace": replace, "mkdir": mkdir, "unlink": unlink}
    for name, fake in fakes.items():
        setattr(os, name, fake)
    try:
        yield disk
    finally:
        for name, function in real.items():
            setattr(os, name, function)
        disk.cut("the end")
