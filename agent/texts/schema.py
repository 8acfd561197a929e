"""The tables of kept texts. What is deleted is overwritten."""

import sqlite3

from agent.errors import ConfigError, InputError

NAME = "texts.sqlite"
"""The file, in the state folder."""
_APPLICATION = 0x64727478
"""SQLite's `application_id` of the file: "drtx"."""
_VERSION = 1
_TABLES = """
CREATE TABLE text (
    endpoint TEXT NOT NULL, id INTEGER NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL, time INTEGER NOT NULL,
    saved INTEGER NOT NULL, bytes INTEGER NOT NULL, chance REAL, call TEXT, question TEXT NOT NULL, answer TEXT NOT NULL,
    context TEXT NOT NULL, rater TEXT, verdicts BLOB, UNIQUE (endpoint, id));
CREATE INDEX text_saved ON text (endpoint, saved, bytes);
CREATE INDEX text_waiting ON text (endpoint, time) WHERE chance IS NULL;
CREATE TABLE waiting (
    endpoint TEXT NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    saved INTEGER NOT NULL, calls BLOB, UNIQUE (endpoint, deployment, traffic, start));
"""


def prepare(connection: sqlite3.Connection, file: str) -> None:
    """Make the tables, and let nothing that is deleted stay readable in the file.

    Raises ConfigError where a newer driftline wrote it and InputError where it is something else.
    """
    connection.execute("PRAGMA secure_delete = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != _APPLICATION:
        raise InputError(f"{file} is an SQLite file of something else: move it away")
    if version > _VERSION:
        raise ConfigError(f"{file} was written by a newer driftline (version {version}, this one knows {_VERSION}): run that version")
    if not version:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_VERSION}; COMMIT;"
        )
