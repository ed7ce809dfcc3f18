"""A text as a QR code of half blocks, for a phone to carry it to another screen."""

import io

from drova_gate.optional import library_missing

__all__ = ["qr_lines"]


def qr_lines(text: str) -> list[str]:
    """Draw it; ``SomethingMissing`` without the library that does."""
    try:
        import segno  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise library_missing("--qr", "segno", "python3-segno") from error
    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue().splitlines()
