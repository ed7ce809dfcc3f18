"""A session without a player: a real preparation and a real reset, each step confirmed and timed."""
