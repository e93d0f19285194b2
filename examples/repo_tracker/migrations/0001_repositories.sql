-- GitHub's id is the key: it stays when a repository is renamed, and names may be taken over by others.
CREATE TABLE repositories (
    id INTEGER PRIMARY KEY,
    full_name TEXT NOT NULL,
    description TEXT,
    language TEXT,
    stars INTEGER NOT NULL,
    forks INTEGER NOT NULL,
    open_issues INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    pushed_at TEXT,
    etag TEXT
) STRICT;
