"""What this launch really loads: modules of the engine and of the named model, and libraries with GPU code.

Pure functions of the case: options, environment variables and the model's architecture choose what is loaded late.
"""
