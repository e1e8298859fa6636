"""What comes in: files and directories become uint8 RGB, or a reason why not."""
