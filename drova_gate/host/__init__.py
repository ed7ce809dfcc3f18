"""The Windows side: the SSH link, what is sent over it, and how its answers are read."""
