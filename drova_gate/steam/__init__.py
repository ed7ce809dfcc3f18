"""Steam on a station: what is installed there, how it meets Drova's catalogue, and Steam's own verification of it."""
