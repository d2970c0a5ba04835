"""Redis and disk: what the engine keeps. Every save is idempotent and is the same when replayed."""
