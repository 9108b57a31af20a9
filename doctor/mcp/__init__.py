"""The same answers for agents, over the Model Context Protocol; each is a few lines of text, below 2 kB."""
