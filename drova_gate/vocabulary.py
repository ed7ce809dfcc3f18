"""What Drova's words about sessions mean. Pure, and without imports: a command that only reads the archive uses it, too."""

__all__ = ["DESKTOP_TITLE", "OVER", "STATUSES", "reason_words", "remark", "score_words"]

OVER = ("FINISHED", "ABORTED")
"""A session of this status has ended; any other word, known or not, is no end."""
STATUSES = {"NEW": "new", "HANDSHAKE": "connecting", "ACTIVE": "playing", "FINISHED": "finished", "ABORTED": "aborted"}
DESKTOP_TITLE = "Desktop"
"""Of the product that is the desktop itself: no catalogue has a title for it."""
REASONS = {"0": "ok", "1": "the game did not start", "2": "lags", "3": "technical trouble", "4": "updates"}
"""``score_reason``; the field's tools agree on these, and it comes as a number or as a text."""


def reason_words(reason: float | str | None) -> str | None:
    """Say what a ``score_reason`` means; one that nobody knows is shown as it is."""
    if reason is None:
        return None
    written = f"{reason:g}" if isinstance(reason, float) else str(reason).strip()
    return REASONS.get(written, f"reason {written}")


def score_words(score: float | str | None, reason: float | str | None, text: str | None) -> str | None:
    """Put the player's judgement into words; ``None``: he gave none."""
    if score is None and reason is None and not text:
        return None
    words = "score" if score is None else f"score {score}"
    why = reason_words(reason)
    return f"{words}{f' ({why})' if why else ''}{f': {text}' if text else ''}"


def remark(
    abort_comment: str | None, score: float | str | None, reason: float | str | None, text: str | None
) -> str | None:
    """Say what was said of a session: why it was broken off, and what the player thought of it."""
    return "; ".join(one for one in (abort_comment, score_words(score, reason, text)) if one) or None
