"""Why one image could not be explained: the fixed vocabulary, and the exception that carries it."""

import errno
from enum import Enum

from sgcampp.storage.store import Unreachable


class Reason(str, Enum):
    """The reasons that a manifest row may give; the values are what is written."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    PERMISSION = "permission"
    VANISHED = "vanished"
    IS_A_DIRECTORY = "is_a_directory"
    NOT_A_FILE = "not_a_file"
    LINK_LOOP = "link_loop"
    CHANGED = "changed"
    NAME_TOO_LONG = "name_too_long"
    NO_TARGET = "no_target"
    BAD_NAME = "bad_name"
    DUPLICATE = "duplicate"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    WORKER_LOST = "worker_lost"


class ImageError(Exception):
    """One image failed; the run goes on.

    Attributes:
        reason: the word for the manifest.
        message: one sentence for a person; without the image's name, which stands beside it.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Reason, str]]:
        return type(self), (self.reason, self.message)


_BY_ERRNO = {
    errno.ENOENT: (Reason.VANISHED, "there is no such file any more, or a link leads nowhere"),
    errno.ENOTDIR: (Reason.VANISHED, "there is no such file any more"),
    errno.EACCES: (Reason.PERMISSION, "permission denied"),
    errno.EPERM: (Reason.PERMISSION, "permission denied"),
    errno.EISDIR: (Reason.IS_A_DIRECTORY, "it is a directory"),
    errno.ELOOP: (Reason.LINK_LOOP, "its symbolic links run in a circle"),
    errno.ENAMETOOLONG: (Reason.NAME_TOO_LONG, "its path is too long for the file system"),
    errno.ESTALE: (Reason.CHANGED, "it changed while it was read"),
    errno.ENXIO: (Reason.NOT_A_FILE, "it is not a regular file (a pipe, socket or device)"),
}


def from_os_error(error: OSError) -> ImageError:
    """Puts what the operating system said about one file into the vocabulary."""
    if isinstance(error, Unreachable):
        what = f"its store does not answer as it should: {error.strerror}"
        return ImageError(Reason.UNREACHABLE, what)
    known = _BY_ERRNO.get(error.errno or 0)
    if known:
        return ImageError(*known)
    return ImageError(Reason.UNREADABLE, f"cannot be read: {error.strerror or error}")
