"""Who wakes up when a row is due: APScheduler inside the one process (`embedded`), or procrastinate on PostgreSQL (`queue`).

The rows of `engine.tables` are the truth, a backend is only the alarm clock. Both call the functions of `engine.due.DO`, whose
guarded updates make each effect happen once, whoever calls and however often. Only this room imports the two libraries.
"""
