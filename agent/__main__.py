"""`python -m agent`: the same as `driftline`."""

import sys

from agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
