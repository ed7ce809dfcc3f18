"""What the gate tells people and machines: its status, its record of events."""
