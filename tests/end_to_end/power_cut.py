"""What a disk may hold after a power cut, from a log of what a process asked of it (strace).

Only what was synced is sure: a file's content by fsync or fdatasync of the file, its name by fsync of its folder. Of all that was asked for
later each write may be on the disk or not, by itself, and so may each name. That is more than any file system allows itself (ext4, for one,
keeps the order of names), so that no store which stands this depends on one.
"""

import os
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

_FILES = "open,openat,creat,close,read,lseek,write,pwrite64,ftruncate,fsync,fdatasync"
TRACED = f"trace={_FILES},rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat"
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class Inode:
    """A file or a folder: what is surely on the disk, and what was asked for since the last sync."""

    is_folder: bool
    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # an offset and what was written there; None: cut off there
    names: dict[str, "Inode"] = field(default_factory=dict)
    synced_names: dict[str, "Inode"] = field(default_factory=dict)

    def sync(self) -> None:
        self.synced, self.pending = _applied(self.synced, self.pending), []
        self.synced_names = dict(self.names)


@dataclass
class _Open:
    inode: Inode
    position: int = 0
    is_appending: bool = False


class Disk:
    """Follows a log line by line; ``told``: the numbers that the process has printed."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.root = Inode(is_folder=True)
        self._open: dict[int, _Open] = {}
        self.told: list[int] = []

    def follow(self, line: str) -> bool:
        """Take in one line of the log; return whether it changed anything."""
        found = _CALL.match(line)
        if found is None or int(found[3]) < 0:
            return False
        call, words, value = found[1], found[2], int(found[3])
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(words)]
        numbers = [int(word) for word in re.findall(r"(?<![\w\\])-?\d+(?!\w)", _TEXT.sub("", words))]
        match call:
            case "open" | "openat" | "creat":
                return self._opened(texts[0], words, value)
            case "mkdir" | "mkdirat":
                return self._named(texts[0], Inode(is_folder=True))
            case "rename" | "renameat" | "renameat2":
                moved = self._named(texts[0], None)
                return moved is not None and self._named(texts[1], self._last)
            case "unlink" | "unlinkat":
                return self._named(texts[0], None) is not None
            case "write" if numbers[0] == 1:
                self.told += [int(word) for word in re.findall(rb"stored (\d+)", texts[0])]
                return True
        file = self._open.get(numbers[0])
        if file is None:
            return False
        match call:
            case "close":
                del self._open[numbers[0]]
                return False
            case "read":
                file.position += value
                return False
            case "lseek":
                file.position = value
                return False
            case "write":
                file.inode.pending.append((len(_content(file.inode)) if file.is_appending else file.position, texts[0][:value]))
                file.position += value
            case "pwrite64":
                file.inode.pending.append((numbers[-1], texts[0][:value]))
            case "ftruncate":
                file.inode.pending.append((numbers[-1], None))
            case "fsync" | "fdatasync":
                file.inode.sync()
        return True

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write what may be on the disk if the power went now; each thing that was not synced is there with a share drawn anew."""
        _put(self.root, folder, chance, chance.random())

    def _opened(self, text: bytes, words: str, number: int) -> bool:
        self._open.pop(number, None)
        place = self._place(text)
        if place is None:
            return False
        folder, name = place
        inode = folder.names.get(name) if name else folder
        is_new = inode is None
        if inode is None:
            inode = folder.names[name] = Inode(is_folder=False)
        elif "O_TRUNC" in words:
            inode.pending.append((0, None))
        self._open[number] = _Open(inode, is_appending="O_APPEND" in words)
        return is_new

    def _named(self, text: bytes, inode: Inode | None) -> bool | None:
        """Give a name to ``inode``, or take it away; what it stood for is in ``_last``."""
        place = self._place(text)
        if place is None:
            return None
        folder, name = place
        if not name:
            return None
        self._last = folder.names.pop(name, None)
        if inode is not None:
            folder.names[name] = inode
        return True

    def _place(self, text: bytes) -> tuple[Inode, str] | None:
        """Return the folder that holds a path, and its name there; None where it is outside."""
        path = Path(os.path.normpath(os.fsdecode(text)))
        if not path.is_relative_to(self._root):
            return None
        inode, parts = self.root, path.relative_to(self._root).parts
        for part in parts[:-1]:
            inode = inode.names[part]
        return inode, parts[-1] if parts else ""


def _content(inode: Inode) -> bytes:
    return _applied(inode.synced, inode.pending)


def _applied(content: bytes, changes: list[tuple[int, bytes | None]]) -> bytes:
    image = bytearray(content)
    for offset, written in changes:
        if written is None:
            del image[offset:]
            image += b"\0" * (offset - len(image))
        else:
            image += b"\0" * (offset - len(image))
            image[offset : offset + len(written)] = written
    return bytes(image)


def _put(inode: Inode, path: Path, chance: random.Random, share: float) -> None:
    if not inode.is_folder:
        path.write_bytes(_applied(inode.synced, [change for change in inode.pending if chance.random() < share]))
        return
    path.mkdir(exist_ok=True)
    for name in sorted(inode.synced_names.keys() | inode.names.keys()):
        before, after = inode.synced_names.get(name), inode.names.get(name)
        there = after if chance.random() < share else before
        if there is not None:
            _put(there, path / name, chance, share)
