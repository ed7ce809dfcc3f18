"""The demonstration: one rental played against the simulator, with the gate's real code."""
