"""`python -m jido_trio`, the same as the command `jido-trio`."""

import sys

from jido_trio.cli import main

if __name__ == "__main__":
    sys.exit(main())
