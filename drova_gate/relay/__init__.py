"""The TCP relay in front of a station's port 7985: ready-byte watch, hold and release."""
