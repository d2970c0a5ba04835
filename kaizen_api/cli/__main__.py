"""`python -m kaizen_api.cli`: the command line where the script `kaizen` is not on the path."""

from kaizen_api.cli import main

main()
