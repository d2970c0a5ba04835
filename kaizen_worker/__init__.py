"""The engine behind the queue."""
