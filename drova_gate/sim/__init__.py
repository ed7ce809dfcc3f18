"""A simulated station and cloud: raw Windows text, raw JSON, real sockets; imports nothing else of the package."""
