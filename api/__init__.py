"""The doors: pages, REST and the command line."""
