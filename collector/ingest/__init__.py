"""What agents send: a request goes in, kept evidence and a signed acknowledgement come out."""
