"""How a guard, which runs for months on a router, does without what it would only carry."""

import contextlib
import ctypes
import os
import sys

__all__ = ["go_light"]

M_ARENA_MAX = -8
"""glibc's number of the setting."""


def go_light() -> None:
    """Leave out what libraries load and a guard never uses; call it before they are imported, and before any thread."""
    # Its compiled form is C++, and brings the C++ library into the process for lists that are made once at the start.
    os.environ.setdefault("FROZENLIST_NO_EXTENSIONS", "1")
    # Else the API's first answer has every package of this Python asked whether it is a plugin of pydantic; the gate wants none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Certificates of X.509 in SSH need pyOpenSSL, and asyncssh does without them where that is missing, but by then it has loaded the
    # first half of what they take. The link trusts a pinned key, never a certificate.
    sys.modules.setdefault("asyncssh.crypto.x509", None)  # type: ignore[arg-type]
    # Threads that wait for disks and name servers would each get a heap of their own, and keep what one busy minute took.
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such setting
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
