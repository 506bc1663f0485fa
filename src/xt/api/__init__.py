"""What `import xt` offers to programs: reading a store, and sending metrics from inside a run."""
