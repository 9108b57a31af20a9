"""Where answers go, and the forms that they take."""
