"""The few verbs by which the output tree and the sources touch storage, and local disks."""
