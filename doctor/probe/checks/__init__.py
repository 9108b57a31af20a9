"""One file for each thing that is asked of a server. A check gives what is wrong, and what came out in a few words."""
