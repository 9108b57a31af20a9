"""What is watched while a server runs: its processes, memory, GPUs, and what the kernel says of them."""
