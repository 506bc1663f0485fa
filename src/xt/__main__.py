"""`python -m xt`."""

from xt.cli.main import main

main()
