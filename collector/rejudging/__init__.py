"""Days judged again from the evidence that is kept, on as many processes as there are processors."""
