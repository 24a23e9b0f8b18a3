"""What the answer is made of: periods, error budgets, groups of campuses, trend, lists of rooms and campuses."""
