"""What is made of class probabilities: maps in the formats people use, and their agreement with ground truth."""
