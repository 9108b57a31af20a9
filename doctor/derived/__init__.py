"""What follows from facts and is wanted by more than one of rules, plan, report and pipeline. Pure."""
