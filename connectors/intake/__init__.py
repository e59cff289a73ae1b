"""Files and events in: archive the original, check it to its end, publish all of it or nothing."""
