"""`python -m api.cli`: the same as `linxuan`."""

import sys

from api.cli import main

sys.exit(main())
