-- Times are seconds since 1970, UTC. Addresses are in their canonical text.
CREATE TABLE devices (
    id         INTEGER PRIMARY KEY,
    address    TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    mac        TEXT,
    mqtt_user  TEXT,
    created_at BIGINT  NOT NULL,
    retired_at BIGINT
);

CREATE TABLE device_groups (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE group_members (
    group_name TEXT   NOT NULL,
    device     BIGINT NOT NULL,
    PRIMARY KEY (group_name, device)
) WITHOUT ROWID;

-- What is read and what is forgotten is one machine's at a time: no index beside this one. Shares are in hundredths of a percent.
CREATE TABLE history (
    device BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    cpu    BIGINT,
    memory BIGINT,
    disk   BIGINT,
    uptime BIGINT,
    PRIMARY KEY (device, at)
) WITHOUT ROWID;

CREATE TABLE command_log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       BIGINT  NOT NULL,
    who      TEXT    NOT NULL,
    schedule TEXT,
    target   TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    outcome  TEXT    NOT NULL,
    message  TEXT,
    code     TEXT,
    took_ms  BIGINT
);
CREATE INDEX command_log_by_target ON command_log (target, id);
CREATE INDEX command_log_by_time   ON command_log (at);

CREATE TABLE schedules (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    cron        TEXT   NOT NULL,
    zone        TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    target      TEXT   NOT NULL,
    enabled     BIGINT NOT NULL,
    author      TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    settled     BIGINT NOT NULL, -- up to where its slots are dealt with
    last_slot   BIGINT,
    last_ran    BIGINT,
    last_done   BIGINT,
    last_failed BIGINT
) WITHOUT ROWID;

CREATE TABLE keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    sha256     BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at IS NULL;
