-- Times are seconds since 1970, UTC. Text is kept as it came in; rows of the document's script may hold NULL or other types.
CREATE TABLE check_ins (
    id          INTEGER PRIMARY KEY,
    packet_hash TEXT    UNIQUE,            -- Submission::identity
    username    TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    channel     TEXT    NOT NULL,
    timestamp   TEXT    NOT NULL,
    instant     BIGINT,                    -- what `timestamp` means; NULL where it is no date with an offset
    at          BIGINT  NOT NULL,          -- Submission::order_key: instant, else date and time as if UTC's, else received_at
    received_at BIGINT  NOT NULL,
    source_bot  TEXT,
    key_name    TEXT    NOT NULL
);
-- Every index of a rowid table ends with the rowid: these serve ORDER BY at, id too.
CREATE INDEX check_ins_by_time    ON check_ins (at);
CREATE INDEX check_ins_by_channel ON check_ins (lower(trim(channel)), at); -- ASCII letters only, in both databases
-- Counting the people of a channel over all time needs nothing but this index.
CREATE INDEX check_ins_by_person  ON check_ins (lower(trim(channel)), username, at, id, instant);

-- Which bots heard a check-in, the first one included, and when they said so. There are no foreign keys: rows are written
-- together and never deleted one by one.
CREATE TABLE heard (
    check_in BIGINT NOT NULL,
    bot      TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (check_in, bot)
) WITHOUT ROWID;
CREATE INDEX heard_by_bot ON heard (bot, check_in);

-- How each bot is doing.
CREATE TABLE bots (
    bot        TEXT   NOT NULL PRIMARY KEY,
    last_seen  BIGINT NOT NULL,
    accepted   BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    rejected   BIGINT NOT NULL
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

-- One row, as large as what a check-in writes, written to find out whether writing is possible.
CREATE TABLE probe (
    id      BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    padding BLOB   NOT NULL
) WITHOUT ROWID;

-- What SQLite's planner is told instead of measuring it: which index leaves the fewest rows, as it is in a receiver that has been
-- in use for years. Without it a person's check-ins would be looked for among all of their channel.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('check_ins', 'sqlite_autoindex_check_ins_1', '1000000 1'),
    ('check_ins', 'check_ins_by_time',            '1000000 2'),
    ('check_ins', 'check_ins_by_channel',         '1000000 200000 2'),
    ('check_ins', 'check_ins_by_person',          '1000000 200000 200 2 1 1'),
    ('heard',     'heard',                        '2000000 2 1'),
    ('heard',     'heard_by_bot',                 '2000000 100000 1'),
    ('bots',      'bots',                         '100 1');
