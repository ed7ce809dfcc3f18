"""``python -m drova_gate``: the same as the command ``drova_gate``."""

import sys

# In words that an old Python understands, before anything is imported that it does not: pip looks at requires-python, a clone does not.
if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells it
    sys.exit(
        "drova_gate: needs Python 3.11 or later, and this is %d.%d; run it with python3.11, or install that one first"  # noqa: UP031 - see above
        % sys.version_info[:2]
    )

from drova_gate.cli import main

sys.exit(main())
