"""Who is told what, and when: the rules that Prometheus follows, what they need to know of a school day, and the way
of a notification, an acknowledgement and a silence between Alertmanager and the incidents."""
