"""The machine: GPUs and driver, memory, disks, limits, and Windows around it."""
