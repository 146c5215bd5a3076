"""What can go wrong, by what the caller can do about it.

Every exception of this package is a `MelismaError`, and also the built-in one that says the same, so that
code which knows nothing of this package catches it all the same:

    MelismaError
        InputError          ValueError          an argument is of no use; the text says what would be
        FormatError         ValueError          bytes or a file are not what they should be
        FileError           OSError             the operating system refused something
            MissingFileError    FileNotFoundError   there is no such file
"""

__all__ = ["MelismaError", "InputError", "FormatError", "FileError", "MissingFileError"]


class MelismaError(Exception):
    """Anything that this package raises."""


class InputError(MelismaError, ValueError):
    """An argument is of no use: a shape, a sample rate, a setting. The text says what would be."""


class FormatError(MelismaError, ValueError):
    """Bytes or a file are not what they should be, or are damaged beyond use."""


class FileError(MelismaError, OSError):
    """The operating system refused to open, read or write a file."""


class MissingFileError(FileError, FileNotFoundError):
    """There is no such file or folder."""
