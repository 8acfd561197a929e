"""The tables of the store and how a file of an older driftline becomes one of this."""

import sqlite3

from agent.errors import ConfigError, InputError

APPLICATION = 0x64726674
"""SQLite's `application_id` of our files: "drft"."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE checkpoint (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE recent_id (
        name TEXT NOT NULL, generation INTEGER NOT NULL, part INTEGER PRIMARY KEY, ids BLOB NOT NULL);
    CREATE TABLE closed_window (
        endpoint TEXT NOT NULL, start INTEGER NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL,
        end INTEGER NOT NULL, saved INTEGER NOT NULL, value BLOB NOT NULL,
        UNIQUE (endpoint, start, deployment, traffic));
    CREATE INDEX closed_window_saved ON closed_window (saved);
    CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, time INTEGER NOT NULL, saved INTEGER NOT NULL,
        value BLOB NOT NULL);
    CREATE INDEX audit_endpoint ON audit (endpoint, time);
    CREATE INDEX audit_saved ON audit (saved);
    CREATE TABLE baseline (
        name TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (name, version));
    CREATE TABLE outbox_item (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, items INTEGER NOT NULL,
        bytes INTEGER NOT NULL, value BLOB NOT NULL);
    CREATE INDEX outbox_item_size ON outbox_item (sequence, time, items, bytes);
    CREATE TABLE outbox_sink (sink TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE prediction (
        endpoint TEXT NOT NULL, id INTEGER NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL,
        start INTEGER NOT NULL, saved INTEGER NOT NULL, value, probability REAL, segments TEXT,
        label TEXT, said INTEGER, teller TEXT, PRIMARY KEY (endpoint, id, deployment, traffic)) WITHOUT ROWID;
    CREATE INDEX prediction_saved ON prediction (endpoint, saved);
    CREATE TABLE early_label (
        endpoint TEXT NOT NULL, id INTEGER NOT NULL, saved INTEGER NOT NULL, label TEXT NOT NULL, said INTEGER NOT NULL,
        teller TEXT, PRIMARY KEY (endpoint, id)) WITHOUT ROWID;
    CREATE INDEX early_label_saved ON early_label (endpoint, saved);
    CREATE TABLE performance (
        endpoint TEXT NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL, start INTEGER NOT NULL,
        changed INTEGER NOT NULL, spread REAL, value BLOB NOT NULL,
        PRIMARY KEY (endpoint, deployment, traffic, start)) WITHOUT ROWID;
    CREATE TABLE decay_severity (
        endpoint TEXT NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL, start INTEGER NOT NULL, saved INTEGER NOT NULL,
        value BLOB NOT NULL, PRIMARY KEY (endpoint, deployment, traffic, start)) WITHOUT ROWID;
    CREATE TABLE performance_version (
        endpoint TEXT NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL, start INTEGER NOT NULL,
        version INTEGER NOT NULL, end INTEGER NOT NULL, saved INTEGER NOT NULL, value BLOB NOT NULL,
        UNIQUE (endpoint, start, deployment, traffic, version));
    CREATE INDEX performance_version_saved ON performance_version (saved);
    """,
    """
    CREATE TABLE verdict (
        endpoint TEXT NOT NULL, evaluator TEXT NOT NULL, id INTEGER NOT NULL, deployment TEXT NOT NULL, traffic TEXT NOT NULL,
        start INTEGER NOT NULL, saved INTEGER NOT NULL, score REAL NOT NULL, chance REAL NOT NULL, answered TEXT NOT NULL,
        rater TEXT NOT NULL, call TEXT, label REAL, PRIMARY KEY (endpoint, evaluator, id)) WITHOUT ROWID;
    CREATE INDEX verdict_saved ON verdict (endpoint, saved);
    CREATE INDEX verdict_labelled ON verdict (endpoint, evaluator, deployment, traffic) WHERE label IS NOT NULL;
    CREATE TABLE opinion (
        endpoint TEXT NOT NULL, evaluator TEXT NOT NULL, id INTEGER NOT NULL, saved INTEGER NOT NULL, label REAL NOT NULL,
        said INTEGER NOT NULL, teller TEXT, PRIMARY KEY (endpoint, evaluator, id)) WITHOUT ROWID;
    CREATE INDEX opinion_saved ON opinion (endpoint, saved);
    """,
)
"""Script n brings a file of state version n to n + 1; an empty file is version 0."""

STATE_VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, file: str) -> None:
    """Bring the file to this version, all of it or nothing.

    Raises ConfigError where a newer driftline wrote it and InputError where it is something else.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION:
        raise InputError(f"{file} is an SQLite file of something else: give another `state` folder")
    if version > STATE_VERSION:
        raise ConfigError(
            f"{file} was written by a newer driftline (state version {version}, this one knows {STATE_VERSION}): "
            "run that version, or give another `state` folder"
        )
    if version < STATE_VERSION:
        script = "".join(MIGRATIONS[version:])
        stamp = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {STATE_VERSION};"
        connection.executescript(f"BEGIN IMMEDIATE; {script} {stamp} COMMIT;")
