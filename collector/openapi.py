"""The HTTP contract for people and programs: OpenAPI at ``/openapi.json``, a page at ``/docs``. The shapes are the
wire's own structs, so the document cannot say anything else than the code."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from agent import wire

_ELSEWHERE = "Served at `throughput_url`, by a process of its own; header Campus-Wifi-Lease."
# path, method, who may ask ("reader": everybody where board_public, else a viewer), what it is, request body, answer
ROUTES: tuple[tuple[str, str, str, str, Any, Any], ...] = (
    ("/v1/reports", "post", "agent", "Push sealed reports; answered, signed, after the commit.", wire.Push, wire.Ack),
    ("/v1/enroll", "post", "token", "Make a device known.", wire.EnrollRequest, wire.EnrollReply),
    ("/v1/plan", "get", "agent", "What this agent is to measure, signed; ETag.", None, wire.Signed),
    ("/v1/leases", "post", "agent", "Leave for one throughput test, signed.", wire.LeaseRequest, wire.Signed),
    ("/v1/throughput/down", "get", "lease", f"Bytes of a test. {_ELSEWHERE}", None, None),
    ("/v1/throughput/up", "post", "lease", f"Takes bytes of a test. {_ELSEWHERE}", None, None),
    ("/v1/time", "get", "anyone", "The collector's time.", None, None),
    ("/v1/campuses", "get", "reader", "The campuses of the inventory.", None, None),
    ("/v1/campuses/{id}/ledger", "get", "reader", "The ledger's days of a campus.", None, None),
    ("/v1/campuses/{id}/seen", "get", "reader", "What is listed of a campus and was never seen.", None, None),
    ("/v1/seen", "get", "reader", "The same of every campus; ?format=csv.", None, None),
    ("/v1/commitment", "get", "reader", "The answer (period=, by=, campus=, list=, format=csv).", None, None),
    ("/v1/incidents", "get", "reader", "Incidents, newest first, without names.", None, None),
    ("/v1/incidents/{id}", "get", "reader", "One incident with its steps, without names.", None, None),
    ("/v1/notifications", "post", "bearer token", "Alertmanager's webhook: who was told of a fault.", None, None),
    ("/metrics", "get", "reader", "The collector's health and the campuses, for Prometheus.", None, None),
    ("/healthz", "get", "anyone", "The process lives.", None, None),
    ("/readyz", "get", "anyone", "Reports can be kept.", None, None),
    ("/", "get", "reader", "The board: campuses that fall short first.", None, None),
    ("/campus/{id}", "get", "reader", "The board's page of one campus.", None, None),
    ("/campus/{id}/room/{building}/{room}", "get", "reader", "The board's page of one room.", None, None),
    ("/room/{id}", "get", "reader", "Leads there by a label `place`, which is campus/building/room.", None, None),
    ("/campus/{id}/report", "get", "reader", "A form: my room is bad.", None, None),
    ("/campus/{id}/report", "post", "reader", "What that form sends; no name is kept.", None, None),
    ("/campus/{id}/qr", "get", "reader", "A sheet to hang up, with a QR code of that form.", None, None),
    ("/room-reports/{id}", "get", "reader", "What became of a room report.", None, None),
    ("/room-reports/{id}", "post", "operator", "What may become of a report's words.", None, None),
    ("/room-reports", "get", "operator", "Every room report with its words.", None, None),
    ("/incidents", "get", "reader", "The board's list of incidents, with figures.", None, None),
    ("/incidents/{id}", "get", "reader", "The board's page of one incident.", None, None),
    ("/incidents/{id}", "post", "operator", "A step, a note or the last word.", None, None),
    ("/v1/incidents/{id}", "post", "operator", "A step, a note or the last word, with a bearer token.", None, None),
    ("/sign-in", "get", "anyone", "A form: name and password.", None, None),
    ("/sign-in", "post", "anyone", "What that form sends; a session begins.", None, None),
    ("/sign-in/district", "get", "anyone", "To the district's identity provider, where there is one.", None, None),
    ("/sign-in/back", "get", "anyone", "Back from there; a session begins.", None, None),
    ("/sign-out", "post", "anyone", "The session ends.", None, None),
    ("/account", "get", "account", "Who am I.", None, None),
    ("/audit", "get", "admin", "The audit log as a page.", None, None),
    ("/method", "get", "reader", "How the figures are made and checked, in plain words.", None, None),
    ("/openapi.json", "get", "anyone", "This document.", None, None),
    ("/docs", "get", "anyone", "This contract as a page.", None, None),
)


@lru_cache(maxsize=1)
def contract() -> dict[str, Any]:
    """The OpenAPI document."""
    types = [kind for route in ROUTES for kind in route[4:6] if kind is not None] + [wire.Report, wire.Plan, wire.Lease]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for path, method, who, text, asked, answered in ROUTES:
        operation: dict[str, Any] = {"summary": text, "x-who": who, "responses": {"200": {"description": "Done."}}}
        if answered is not None:
            operation["responses"]["200"]["content"] = {"application/json": {"schema": by_type[answered]}}
        if asked is not None:
            operation["requestBody"] = {"content": {"application/json": {"schema": by_type[asked]}}}
        if who != "anyone":
            operation["responses"]["4XX"] = {"description": 'Refused: {"error": reason}. Nothing is stored.'}
        if "{id}" in path:
            operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
        paths.setdefault(path, {})[method] = operation
    info = {"title": "campus-wifi collector", "version": f"v{wire.SCHEMA}"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": components}}


async def document(_: Request) -> Response:
    return Response(msgspec.json.encode(contract()), media_type="application/json")


async def page(_: Request) -> Response:
    rows = "".join(
        f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{who}</td><td>{escape(text)}</td></tr>"
        for path, method, who, text, _asked, _answered in ROUTES
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>campus-wifi HTTP contract</title>"
        "<body><h1>HTTP contract, version 1</h1><p>Shapes: <a href=/openapi.json>openapi.json</a></p>"
        "<p>A reader is everybody where the board is public, else somebody with an account or a program with a bearer "
        "token; an operator may do what a reader may, an admin what both may.</p>"
        f"<table><tr><th>Request<th>Who<th>What</tr>{rows}</table></body></html>"
    )
