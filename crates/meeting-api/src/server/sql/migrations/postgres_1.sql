-- Times are seconds since 1970, UTC. Text is kept as it goes over the wire.
CREATE TABLE devices (
    device_key     TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    device_name    TEXT,
    product_serial TEXT,
    device_type    TEXT,
    distribution   TEXT,
    authorized     BIGINT  NOT NULL,
    token_code     TEXT,
    token_count    BIGINT  NOT NULL,
    note           TEXT,
    services       TEXT    NOT NULL,
    registered_at  BIGINT  NOT NULL
);

-- Written by every heartbeat, and therefore narrow, apart from the rest, and with room on each page for new versions.
CREATE TABLE presence (
    device_key    TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES devices (device_key) ON DELETE CASCADE,
    last_seen     BIGINT,
    previous_seen BIGINT,
    online        BIGINT NOT NULL DEFAULT 0,
    was_online    BIGINT NOT NULL DEFAULT 0,
    since         BIGINT,
    ip_address    TEXT,
    ip_lan        TEXT,
    ip_public     TEXT,
    mac           TEXT,
    cluster_ip    TEXT
) WITH (fillfactor = 60);

CREATE TABLE ssh_keys (
    device_key          TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES devices (device_key) ON DELETE CASCADE,
    ssh_user            TEXT,
    pubkey              TEXT   NOT NULL,
    fingerprint         TEXT   NOT NULL,
    revoked             BIGINT NOT NULL,
    added               BIGINT NOT NULL,
    modified            BIGINT NOT NULL,
    pending_pubkey      TEXT,
    pending_fingerprint TEXT,
    pending_at          BIGINT
);
CREATE INDEX ssh_keys_by_fingerprint ON ssh_keys (fingerprint);

CREATE TABLE reservations (
    device_key TEXT   COLLATE "C" NOT NULL REFERENCES devices (device_key) ON DELETE CASCADE,
    service    TEXT   NOT NULL,
    port       BIGINT NOT NULL UNIQUE,
    local_port BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (device_key, service)
);

CREATE TABLE credentials (
    id         TEXT   NOT NULL PRIMARY KEY,
    role       TEXT   NOT NULL,
    device_key TEXT   COLLATE "C" REFERENCES devices (device_key) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    sha256     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX credentials_by_device ON credentials (device_key);

-- Things that happen once in the life of a database.
CREATE TABLE milestones (
    name TEXT   NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
);

CREATE TABLE nonces (
    nonce      TEXT   NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

CREATE TABLE device_log (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_key TEXT    COLLATE "C" NOT NULL REFERENCES devices (device_key) ON DELETE CASCADE,
    at         BIGINT  NOT NULL,
    event      TEXT    NOT NULL,
    host       TEXT,
    remote     TEXT
);
CREATE INDEX device_log_by_device ON device_log (device_key, id);
