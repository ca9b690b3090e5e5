/**
 * The steps from an empty database to the current layout; `PRAGMA user_version` counts the completed ones. A released
 * step is never edited.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE key_values (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The last report of each device that is stored (SPEC §5.6).
  CREATE TABLE report_positions (
    device TEXT    NOT NULL PRIMARY KEY,
    epoch  INTEGER NOT NULL,
    seq    INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Boots of a device whose log is kept: the newest ordinal is this boot, the one before it the previous.
  CREATE TABLE boots (
    device  TEXT    NOT NULL,
    ordinal INTEGER NOT NULL,
    boot    INTEGER,
    PRIMARY KEY (device, ordinal)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE log_lines (
    id       INTEGER PRIMARY KEY,
    device   TEXT    NOT NULL,
    ordinal  INTEGER NOT NULL,
    stamp_ms INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    text     TEXT    NOT NULL
  ) STRICT;
  CREATE INDEX log_lines_of_device ON log_lines (device, id);
  `,
];
