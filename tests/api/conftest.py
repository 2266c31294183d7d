"""Fixtures of the pages' tests: the small world of `world.py`."""

from tests.api.rest.conftest import application_data  # noqa: F401
from tests.api.world import (
    application,  # noqa: F401
    model_place,  # noqa: F401
    place,  # noqa: F401
    send_fixture,  # noqa: F401
    shared_place,  # noqa: F401
)
