"""Bell schedules as schools keep them: in a spreadsheet."""
