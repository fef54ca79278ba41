"""The tutorial's users, as its own code would have made them. `python seed.py app.db`"""

import sqlite3
import sys

from pwdlib import PasswordHash

USERS = [
    ("johndoe", "John Doe", "johndoe@example.com", "secret of johndoe", False),
    ("zoe", "Zoë Çelik, Dr. 100 %", None, "secret of zoë", False),
    ("alice", "Alice Chains", "alicechains@example.com", "secret of alice", True),
]
SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    full_name TEXT,
    email TEXT,
    hashed_password TEXT NOT NULL,
    disabled BOOLEAN NOT NULL DEFAULT 0
)
"""


def main(path: str) -> None:
    hasher = PasswordHash.recommended()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(SCHEMA)
        insert = "INSERT INTO users (username, full_name, email, hashed_password, disabled) VALUES (?, ?, ?, ?, ?)"
        for name, full, email, password, disabled in USERS:
            connection.execute(insert, (name, full, email, hasher.hash(password), disabled))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
