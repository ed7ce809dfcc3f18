"""The owner's account as his commands reach it: which token, which stations, and what must not disturb a player."""
