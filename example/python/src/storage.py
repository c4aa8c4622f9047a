"""Notes in PostgreSQL when there is a database, in memory otherwise."""
import psycopg2
import psycopg2.extras

from .settings import Settings

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL)"


class MemoryNotes:
    kind = "memory"

    def __init__(self):
        self.rows = []

    def all(self):
        return list(self.rows)

    def add(self, text):
        self.rows.append({"id": len(self.rows) + 1, "text": text})
        return self.rows[-1]


class PostgresNotes:
    kind = "postgres"

    def __init__(self, settings: Settings):
        self.connection = psycopg2.connect(
            settings.database_url, connect_timeout=settings.connect_timeout,
            cursor_factory=psycopg2.extras.RealDictCursor)
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(SCHEMA)

    def all(self):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("SELECT id, text FROM notes ORDER BY id")
            return [dict(row) for row in cursor]

    def add(self, text):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("INSERT INTO notes (text) VALUES (%s) RETURNING id, text", (text,))
            return dict(cursor.fetchone())


def open_notes(settings: Settings):
    return PostgresNotes(settings) if settings.database_url else MemoryNotes()


def libpq_version() -> int:
    return psycopg2.extensions.libpq_version()
