"""``drova_gate doctor``: whether everything is set up right; one file per subject. Changes nothing."""
