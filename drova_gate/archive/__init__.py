"""The owner's archive of sessions: what the API lists today and forgets after a thousand, kept for good."""
