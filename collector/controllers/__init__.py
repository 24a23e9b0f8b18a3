"""What a district's own Wi-Fi controllers say: lists of access points, and logs of when one was up or down."""
