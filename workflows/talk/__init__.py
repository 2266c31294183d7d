"""Talk about a case: who watches it."""

from workflows.talk.watching import is_watched, list_watchers, unwatch_case, watch_case, watched_keys

__all__ = ["is_watched", "list_watchers", "unwatch_case", "watch_case", "watched_keys"]
