"""Writes a database as the document's script does, with what collects in one over the years: script_file.py FILE"""

import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1])
connection.execute(
    "CREATE TABLE checkins (packet_hash TEXT PRIMARY KEY, username TEXT NOT NULL, message TEXT NOT NULL,"
    " channel TEXT NOT NULL, timestamp TEXT NOT NULL, source_bot TEXT, updated_at TEXT NOT NULL)"
)
ROWS = [
    ("A1B2C3D4E5F67890", "HOWL", "check in", "#meshmonday", "2025-03-03T14:30:00-07:00", "meshcore-bot"),
    (None, "no hash", "", "#meshmonday", "yesterday", None),
    ("B1", "nul\0byte", "x", "#meshmonday", "2025-03-10T14:30:00", ""),
    (12, 34, 5.5, "#meshmonday", "2025-03-17T14:30:00Z", "b"),
]
connection.executemany("INSERT INTO checkins VALUES (?, ?, ?, ?, ?, ?, '2025-03-18T00:00:00+00:00')", ROWS)
connection.commit()
