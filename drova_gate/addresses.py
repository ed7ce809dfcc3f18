"""Players' addresses as they may be shown. Pure."""

__all__ = ["masked"]


def masked(address: str | None) -> str | None:
    """A player's address with its second half left out."""
    if not address:
        return None
    if ":" in address:
        return ":".join(address.split(":")[:2]) + ":*"
    return ".".join(address.split(".")[:2]) + ".*.*"
