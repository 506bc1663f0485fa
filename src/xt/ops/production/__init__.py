"""What is live where: deployments, measurements in production, what moved with what, and the way back."""
