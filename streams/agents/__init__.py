"""What each agent does with a record, and the mapping of what arrives. Handlers only: no I/O, no clock."""
