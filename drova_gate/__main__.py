"""``python -m drova_gate``: the same as the command ``drova_gate``."""

import sys

from drova_gate.cli import main

sys.exit(main())
