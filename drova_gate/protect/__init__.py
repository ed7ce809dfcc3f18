"""Protectors: what makes a station's disk forget, behind one small interface."""
