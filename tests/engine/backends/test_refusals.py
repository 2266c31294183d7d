"""What the backends refuse."""

import pytest
import sqlalchemy as sa

from engine.backends.queue import create_job_tables, make_app
from engine.work import ProcessEngine


def test_a_worker_on_sqlite_is_refused(sqlite_engine: ProcessEngine) -> None:
    with pytest.raises(ValueError, match="PostgreSQL"):
        make_app(sqlite_engine)


def test_sqlite_gets_no_job_tables(sqlite_engine: ProcessEngine) -> None:
    with sqlite_engine.database.begin() as connection:
        create_job_tables(connection)
        assert not [name for name in sa.inspect(connection).get_table_names() if name.startswith("procrastinate")]
