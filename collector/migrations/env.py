"""Alembic's entry: takes the connection that the store passes in, and brings its database to the newest revision."""

from alembic import context

from collector.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
