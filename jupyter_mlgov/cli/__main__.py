"""`python -m jupyter_mlgov.cli`, for those who start us as a child process."""

from jupyter_mlgov.cli import main

main()
