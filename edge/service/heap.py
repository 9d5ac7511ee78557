"""The C library's heap, kept small in a process that lives for long and works in several threads."""

import ctypes

# malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# A camera's frame from a megapixel on has pages of its own, which go back to the system as soon as it is done with. What is smaller,
# as a check's page, is reused from the heap: with pages of its own from half a mebibyte on, a frame takes a fifth more time.
_OWN_PAGES_BYTES = 3 << 20
_KEPT_AT_THE_END_BYTES = 4 << 20


def keep_heap_small() -> None:
    """Set malloc up (mallopt(3)) before the threads begin. Where the C library knows nothing of it, nothing happens.

    All threads share one heap: pictures pass from thread to thread, and each heap keeps what its own thread has freed. With glibc's
    eight heaps a core the daemon takes 20 MiB more, and no less time.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_THE_END_BYTES)


def trim_heap() -> None:
    """Give the pages that are free back to the system (malloc_trim(3)): a millisecond, best when nobody waits."""
    malloc_trim = _of_libc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _of_libc(name: str) -> "ctypes._NamedFuncPointer | None":
    found: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None), name, None)
    return found
