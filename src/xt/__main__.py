"""`python -m xt`."""

import sys

if not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))  # the working directory: its modules are not meant

from xt.cli.main import main

main()
