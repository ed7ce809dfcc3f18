"""The lists of games on an owner's stations: what they should be, what differs, and the changes that make it so."""
