"""What a model needs of a GPU's memory: weights, KV cache and the engines' own budgets; arithmetic only."""
