"""What Alembic runs for each command: on the connection, and in the transaction, that ``migrate`` opened."""

from alembic import context

from orchestrator.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
