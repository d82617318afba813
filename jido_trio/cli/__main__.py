"""`python -m jido_trio.cli`, the same as `jido-trio`."""

import sys

from jido_trio.cli._main import main

sys.exit(main())
