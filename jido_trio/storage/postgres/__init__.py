"""Storage in a PostgreSQL database. Apart from the others, for it needs the extra `postgres`."""

from jido_trio.extras import require

try:
    from jido_trio.storage.postgres._postgres import PostgresStorage, open_postgres
except ModuleNotFoundError:
    require("postgres", "psycopg", part="storage.postgres")
    raise

__all__ = ["PostgresStorage", "open_postgres"]
