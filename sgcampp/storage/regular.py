"""Opens regular files only: nothing waits on a pipe, and a run's own files are no links."""

import errno
import os
import stat
from typing import BinaryIO, cast

from sgcampp.errors import UserError

_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR}


def open_own(path: str | os.PathLike[str], mode: str, buffering: int = -1) -> BinaryIO:
    """Opens a file that a run itself made, such as a part of the manifest or a lock.

    Args:
        path: never followed if it is a link: it could lead to a file of somebody else.
        mode: as `open` has it, binary.
        buffering: as `open` has it.

    Raises:
        UserError: for a link, a directory, a pipe or a device.
        OSError: if it can't be opened.
    """

    def opener(name: str, flags: int) -> int:
        return _opened(name, flags | os.O_NOFOLLOW)

    try:
        return cast(BinaryIO, open(path, mode, buffering, opener=opener))
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        raise UserError(
            f"{os.fsdecode(path)} is a link, a directory or a pipe, not the file that a run makes "
            "there: remove it"
        ) from error


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file to read, through links.

    Raises:
        OSError: if it can't be read: EISDIR for a directory, ENXIO for a pipe or a device.
    """
    return cast(BinaryIO, open(path, "rb", opener=_opened))


def _opened(name: str, flags: int) -> int:
    """A descriptor of a regular file; O_NONBLOCK, which these ignore, keeps pipes from waiting."""
    descriptor = os.open(name, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    what = errno.EISDIR if stat.S_ISDIR(mode) else errno.ENXIO
    raise OSError(what, "is no regular file", name)
