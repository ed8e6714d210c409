"""The soak: storages and turns under faults, for as long as one likes, with what was really done counted."""
