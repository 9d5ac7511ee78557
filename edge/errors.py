"""What is broken, and what to do about it.

EdgeError
├── UsageError              (ValueError, 64)   an option or argument that makes no sense
├── PictureError            (ValueError, 65)   a file that is not a picture we can read
├── BundleError             (ValueError, 65)   a model bundle that does not fit its card
├── SignatureError          (ValueError, 65)   a file that no trusted key has signed as it is
├── MissingDependencyError  (ImportError, 69)  a package that is not installed
├── CameraError             (OSError, 69)      a camera without frames
├── OutputError             (OSError, 74)      a place we cannot write to
├── UpdateError             (OSError, 74)      a place that no update can be fetched from
├── StoreError              (OSError, 74)      records that cannot be kept or read back
└── ConfigError             (ValueError, 78)   a setting that is not allowed

The numbers are the exit codes of sysexits.h (FreeBSD, 4.0BSD), which the command line returns.
"""


class EdgeError(Exception):
    """Root of every error that the reader raises on purpose; the message says what to do."""

    exit_code = 70
    check = ""  # of an update that was refused or taken back: the check that did it


class UsageError(EdgeError, ValueError):
    exit_code = 64


class PictureError(EdgeError, ValueError):
    exit_code = 65


class BundleError(EdgeError, ValueError):
    exit_code = 65


class SignatureError(EdgeError, ValueError):
    exit_code = 65


class MissingDependencyError(EdgeError, ImportError):
    exit_code = 69


class CameraError(EdgeError, OSError):
    exit_code = 69


class OutputError(EdgeError, OSError):
    exit_code = 74


class UpdateError(EdgeError, OSError):
    exit_code = 74


class StoreError(EdgeError, OSError):
    exit_code = 74


class ConfigError(EdgeError, ValueError):
    exit_code = 78
