"""Finding payments in the topics that everybody may read: by id, by any name, with their whole story."""
