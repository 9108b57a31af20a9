"""What a model needs of a GPU's memory: weights, KV cache and the engines' own budgets; arithmetic only.

    found = footprint(model)                      # doctor.memory.footprint: Model or a config.json -> Footprint
    asked = Settings("vllm", "0.11.0", tp=2)      # doctor.launch.settings: what the launch asks for
    result = fit(found, card=24 << 30, asked)     # doctor.memory.fit: Fit, with its verdict and all numbers
    floor(found, asked)                           # the smallest common cards that serve it
    ways(result, gpus=2)                          # doctor.memory.ways: changes that make it fit, each tried

A `Member` of `doctor.matrix.models.members` becomes a model by its property `model`. All sizes are in bytes.
"""
