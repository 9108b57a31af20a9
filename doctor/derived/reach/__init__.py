"""What this launch really loads: the half of the engine that runs, and libraries with GPU code."""
