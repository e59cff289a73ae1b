"""The main job from end to end, for a person to watch and for a machine to judge."""
