"""Stage 4, pure: from findings and the matrix to a plan, or to the reasons why there is none."""
