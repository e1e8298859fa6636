"""The run config: its keys, what values they take, and the YAML it is written in."""
