"""A BPMN engine: definitions, instances, tasks, timers, messages, incidents and history. Knows no case and no Flask."""
