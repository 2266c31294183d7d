"""The world of the process tests beside that of the pages."""

from tests.workflows.conftest import world as world
from tests.workflows.conftest import written_world as written_world
