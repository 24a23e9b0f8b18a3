"""The board's words for what the collector keeps as keys: each is in the catalogue, translated where it is shown."""

from __future__ import annotations


def N_(text: str) -> str:
    """Marks a text for the catalogue; it is translated where it is shown."""
    return text


VERDICTS = {
    "met": N_("met"),
    "short": N_("short"),
    "unknown": N_("unknown"),
    "no_class": N_("no class"),
    "not_judged": N_("not judged yet"),
    "nothing_asked": N_("nothing asked"),
    "": N_("not judged yet"),
}
FALLEN = {"class_time": N_("class time"), "school_days": N_("school days")}
"""The two halves of an answer."""
ANSWERS = {
    "falls_short": N_("falls short"),
    "not_enough_evidence": N_("not enough evidence"),
    "meets": N_("meets"),
}
PERIODS = {
    "today": N_("today"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "month": N_("this month"),
    "semester": N_("this semester"),
    "school_year": N_("this school year"),
    "term": N_("term of the agreement"),
}
CAUSES = {
    "agent_silent": N_("an agent is silent"),
    "placement_unconfirmed": N_("an agent may have been moved"),
    "campus_cut_off": N_("campus cut off"),
    "shared_uplink_cut": N_("shared line cut"),
    "lan_down": N_("local network down"),
    "radio": N_("the school's Wi-Fi is not heard"),
    "association": N_("access point does not let devices join"),
    "authentication": N_("password or certificate refused"),
    "portal": N_("sign-in page in the way"),
    "wifi_weak": N_("Wi-Fi signal too weak"),
    "wifi_busy": N_("Wi-Fi channel too busy"),
    "radio_silent": N_("access points without radio signal"),
    "dhcp": N_("no network address given (DHCP)"),
    "dns": N_("name lookup fails (DNS)"),
    "gateway": N_("gateway does not answer"),
    "internet": N_("internet not reachable"),
    "access_point_down": N_("access points down"),
    "collector_gap": N_("this system itself was not receiving"),
    "planned_work": N_("approved planned work"),
    "not_reachable_from_here": N_("access points not reachable from the agents"),
    "slow": N_("slow"),
    "loss": N_("data lost on the way"),
    "no_agent": N_("no agent stands on the campus"),
    "too_little_evidence": N_("too little evidence"),
    "below_threshold": N_("below a threshold of the policy"),
    "monitor_suspect": N_("many campuses at once: check this system first"),
}
ACCESS_POINTS = {
    "up": N_("answers"),
    "down": N_("down"),
    "unknown": N_("unknown"),
    "not_reachable_from_here": N_("not reachable from here"),
    "radio_silent": N_("answers, but its radio is silent"),
}
AGENTS = {"approved": N_("approved"), "pending": N_("waits for approval"), "revoked": N_("revoked")}
CHOSEN = {"drawn": N_("drawn by lot"), "complaint": N_("after a complaint"), "chosen": N_("chosen by staff")}
REASONS = {
    "late evidence": N_("evidence arrived late"),
    "clock learnt": N_("an agent's clock became known"),
    "new placement": N_("an agent's room was corrected"),
    "placement": N_("an agent's room was corrected"),
    "placement confirmed": N_("an agent's room was confirmed"),
    "surroundings changed": N_("an agent may have been moved"),
    "campus edge asked": N_("this system had asked the campus's own line"),
    "policy": N_("the policy changed"),
    "inventory": N_("the inventory changed"),
    "rooms drawn": N_("rooms were drawn by lot"),
    "seen with the district": N_("looked at together with the other campuses"),
    "evaluated again": N_("judged again on request"),
}
LISTS = {
    "campuses": N_("list of campuses"),
    "access-points": N_("list of access points"),
    "rooms": N_("list of rooms"),
    "bells": N_("bell schedules"),
    "calendar": N_("calendar of the school year"),
}
INCIDENTS = {
    "open": N_("still going on"),
    "closed": N_("over"),
    "confirmed": N_("over, confirmed"),
    "false": N_("false alarm"),
    "disproved": N_("disproved by later evidence"),
}
STEPS = {
    "detected": N_("detected"),
    "notified": N_("somebody was told"),
    "acknowledged": N_("somebody takes care of it"),
    "on_site": N_("on site"),
    "fixed": N_("fixed"),
    "verified": N_("verified"),
    "note": N_("note"),
}
LEFT_OUT = {
    "false": N_("false alarms"),
    "disproved": N_("disproved"),
    "planned_work": N_("approved planned work"),
}
SURVEYS = {"due": N_("waits for its measurement"), "overdue": N_("measurement overdue"), "done": N_("measured since")}
REVIEWS = {
    "": N_("not read yet"),
    "shown": N_("may be shown"),
    "withheld": N_("withheld"),
    "erased": N_("erased"),
}


STAGES = {
    "scan": N_("looking for the network"),
    "authenticate": N_("first answer of the access point"),
    "associate": N_("joining the access point"),
    "eap": N_("account or certificate (EAP)"),
    "handshake": N_("exchange of keys"),
    "authentication": N_("password"),
    "dhcp": N_("network address (DHCP)"),
    "dns": N_("name lookup (DNS)"),
    "portal": N_("sign-in page"),
    "first_byte": N_("first answer of a page"),
}
"""Where a try to join can fail, or lose its time."""
ACTS = {
    "account added": N_("account added"),
    "account role": N_("account role changed"),
    "account enabled": N_("account enabled"),
    "account disabled": N_("account disabled"),
    "account password reset": N_("account password reset"),
    "agent approved": N_("agent approved"),
    "agent assigned": N_("agent put in a room"),
    "agent enrolled": N_("agent enrolled"),
    "agent moved": N_("agent moved"),
    "agent replaced": N_("agent replaced"),
    "agent revoked": N_("agent revoked"),
    "placement confirmed": N_("agent's room confirmed"),
    "api token created": N_("token of a program made"),
    "api token revoked": N_("token of a program revoked"),
    "api token replaced": N_("token of a program replaced"),
    "token created": N_("token for agents made"),
    "cloned device": N_("cloned device"),
    "evidence expired": N_("evidence expired"),
    "exclusion asked for": N_("exclusion asked for"),
    "exclusion approved": N_("exclusion approved"),
    "exclusion withdrawn": N_("exclusion withdrawn"),
    "hold set": N_("evidence held"),
    "hold released": N_("evidence let go"),
    "incident notified": N_("incident: somebody was told"),
    "incident acknowledged": N_("incident: somebody takes care of it"),
    "incident on_site": N_("incident: on site"),
    "incident fixed": N_("incident: fixed"),
    "incident verified": N_("incident: verified"),
    "incident note": N_("incident: note"),
    "policy adopted": N_("policy adopted"),
    "room reported": N_("room reported"),
    "room report reviewed": N_("room report reviewed"),
    "rooms drawn": N_("rooms drawn"),
    "signed in": N_("signed in"),
    "signed out": N_("signed out"),
    "campuses imported": N_("campuses imported"),
    "access-points imported": N_("access points imported"),
    "rooms imported": N_("rooms imported"),
    "calendar imported": N_("calendar imported"),
    "bells imported": N_("bells imported"),
}
"""What the audit log says was done."""
WAYS = {
    "command line": N_("command line"),
    "account": N_("an account of this system"),
    "api": N_("a token of a program"),
    "oidc": N_("the district's sign-in"),
    "proxy": N_("the proxy in front of this system"),
    "board": N_("a page of this board"),
}
"""By which door a change came in, or somebody is signed in."""
