"""What failing imports and libraries mean for a launch."""
