"""drova_gate: guards rented gaming stations around every desktop session."""

__version__ = "0.1.0"
