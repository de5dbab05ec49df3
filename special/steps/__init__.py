"""The steps of the paper, one file each, in the order of the work: rgb, pseudo-labels, warmup, refine, map."""
