"""What commands tell a job of continuous integration: for whom, what, and where it is put."""
