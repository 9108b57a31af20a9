"""Compose projects as Docker reads them: several files merged, included and extended, then one service of them."""
