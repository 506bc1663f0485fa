"""Judge how well a run repeats: trials in processes of their own, a level for each thing, a diagnosis."""
