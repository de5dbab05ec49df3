"""What commands and notebooks call: label, fit, predict, evaluate, explain, and how a run stands."""
