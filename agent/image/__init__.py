"""Images that many devices are copied from: nothing of one device stays in them, and each copy enrolls by itself."""
