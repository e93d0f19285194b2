"""CPython beside Pyodide: what the same work takes in memory and time where a Worker runs it."""
