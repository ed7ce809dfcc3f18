"""An owner's first hour: what is run once on the PC, and the settings that are written once on the router."""
