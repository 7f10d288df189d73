"""The test databases themselves: empty, separate, of both kinds."""

import sqlalchemy as sa

from ovis.engine.store.database import open_database


def test_each_test_gets_an_empty_database_it_can_write(database_url: str) -> None:
    engine = open_database(database_url)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    assert sa.inspect(engine).get_table_names() == ["t"]
    engine.dispose()


def test_the_next_test_sees_nothing_of_it(database_url: str) -> None:
    engine = open_database(database_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()
