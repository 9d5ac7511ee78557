"""The API's records: everything that the page does with them, as JSON under /api/v1."""

import asyncio
import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from edge.service import schemas
from edge.service.asked import MOST_INTEGER, MOST_RECORDS, query_of
from edge.service.context import Context
from edge.service.guard import visitor_of
from edge.service.record import Query as RecordQuery
from edge.service.record import Record
from edge.service.views import csv_lines, field_picture, json_lines, log_object, page_picture, record_object, summary_object, total_object

RecordId = Annotated[int, Path(ge=1, le=MOST_INTEGER)]
Limit = Annotated[int, Query(ge=1, le=MOST_RECORDS)]
Cursor = Annotated[int | None, Query(ge=1, le=MOST_INTEGER, description="The `next` of the page before.")]
Account = Annotated[Literal["masked", "full"], Query(description="`full` shows account numbers, to the owner's token alone.")]

REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": schemas.Problem, "description": why}
    for code, why in (
        (401, "the token is missing or wrong"), (403, "not from this device's own page, or not for this visitor"), (404, "no such record"),
        (413, "the body is too large"), (421, "another name than localhost"), (422, "a value makes no sense"),
        (429, "too many wrong tokens"), (503, "the store cannot be read or written to now"),
    )
}  # fmt: skip
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}}}
}


def _is_revealed(request: Request, account: Account = "masked") -> bool:
    if account == "full" and not visitor_of(request).is_owner:
        raise HTTPException(403, "account numbers are shown to the owner alone; give the token")
    return account == "full"


def _asked(
    first: Annotated[datetime.date | None, Query(alias="from", description="Read on this day or later.")] = None,
    last: Annotated[datetime.date | None, Query(alias="to", description="Read on this day or earlier.")] = None,
    amount: Annotated[str, Query(max_length=60, description="`1,234.56`, or a range such as `100-200`.")] = "",
    status: Annotated[Literal["", "due", "accepted", "unsure", "confirmed", "corrected", "rejected"], Query()] = "",
    text: Annotated[str, Query(max_length=100, description="Looked for in amounts, dates and check numbers.")] = "",
) -> dict[str, str]:
    days = {"from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
    return {**days, "amount": amount, "status": status, "text": text}


Revealed = Annotated[bool, Depends(_is_revealed)]
Asked = Annotated[dict[str, str], Depends(_asked)]


def record_routes(context: Context) -> APIRouter:
    """Return the routes of records, review, totals, export and the audit log."""
    router = APIRouter(responses=REFUSALS)
    store = context.store

    def found(record_id: int) -> Record:
        record = store.get(record_id)
        if record is None:
            raise HTTPException(404, f"there is no record {record_id}")
        return record

    @router.get("/records", tags=["records"], summary="Search records, newest first", response_model=schemas.Records)
    async def list_records(asked: Asked, limit: Limit = 50, before: Cursor = None) -> Response:
        query = replace(query_of(asked, context.currency()), before_id=before, limit=limit)
        # One look at an index takes less time than a hand-over to a thread would; a text is looked for in all records.
        found = await asyncio.to_thread(store.summaries, query) if query.text else store.summaries(query)
        following = found[-1].id if len(found) == limit else None
        return json_answer({"records": [summary_object(summary) for summary in found], "next": following})

    @router.get("/records/{record_id}", tags=["records"], summary="One record, whole", response_model=schemas.FullRecord)
    def get_record(request: Request, record_id: RecordId, is_revealed: Revealed) -> Response:
        record = found(record_id)
        store.note(visitor_of(request).name, "seen", record_id, "with the account number" if is_revealed else "")
        return json_answer(record_object(record, is_revealed))

    @router.get("/records/{record_id}/picture", tags=["records"], summary="The check's picture", response_class=Response, responses=_JPEG)
    def get_picture(record_id: RecordId, is_revealed: Revealed) -> Response:
        record = found(record_id)
        return _picture(record, lambda jpeg: page_picture(record, jpeg, is_revealed))

    @router.get(
        "/records/{record_id}/fields/{name}/picture",
        tags=["records"],
        summary="One field, cut out",
        response_class=Response,
        responses=_JPEG,
    )
    def get_field_picture(record_id: RecordId, name: schemas.FieldName, is_revealed: Revealed) -> Response:
        record = found(record_id)
        return _picture(record, lambda jpeg: field_picture(record, jpeg, name, is_revealed))

    def _picture(record: Record, drawn: Callable[[bytes], bytes | None]) -> Response:
        jpeg = store.picture(record)
        shown = None if jpeg is None else drawn(jpeg)
        if shown is None:
            raise HTTPException(404, f"record {record.id} has no such picture")
        # A picture never changes, and the browser that may see it may keep it for the session.
        return Response(shown, media_type="image/jpeg", headers={"cache-control": "private, max-age=600"})

    @router.post(
        "/records/{record_id}/correction", tags=["review"], summary="Confirm or correct a reading", response_model=schemas.FullRecord
    )
    def correct(request: Request, record_id: RecordId, said: schemas.Correction) -> Response:
        record = store.correct(record_id, {name: said.texts[name] for name in said.texts}, visitor_of(request).name)
        return _judged(record, record_id)

    @router.post("/records/{record_id}/rejection", tags=["review"], summary="Say that it is no check", response_model=schemas.FullRecord)
    def reject(request: Request, record_id: RecordId) -> Response:
        return _judged(store.reject(record_id, visitor_of(request).name), record_id)

    def _judged(record: Record | None, record_id: int) -> Response:
        if record is None:
            raise HTTPException(404, f"there is no record {record_id}")
        context.daemon.reviewed(record)
        return json_answer(record_object(record, is_revealed=False))

    @router.delete("/records/{record_id}", tags=["records"], summary="Delete a record and its picture for good", status_code=204)
    def delete(request: Request, record_id: RecordId) -> Response:
        if not store.delete(record_id, visitor_of(request).name):
            raise HTTPException(404, f"there is no record {record_id}")
        return Response(status_code=204)

    @router.get("/review", tags=["review"], summary="What a person is asked about, newest first", response_model=schemas.Due)
    def due(limit: Annotated[int, Query(ge=1, le=100)] = 20, before: Cursor = None) -> Response:
        query = RecordQuery(is_review_due=True)
        records = store.search(replace(query, limit=limit, before_id=before))
        return json_answer({"records": [record_object(record, is_revealed=False) for record in records], "n_due": store.count(query)})

    @router.get("/totals", tags=["totals"], summary="The sums of a day, by currency", response_model=schemas.Totals)
    def totals(day: Annotated[datetime.date | None, Query(description="A local day; today without one.")] = None) -> Response:
        wanted = day or datetime.date.today()
        return json_answer({"day": wanted.isoformat(), "totals": [total_object(total) for total in store.totals(wanted)]})

    @router.get("/export", tags=["export"], summary="All records of a search, for a program", response_class=Response, responses=_EXPORT)
    def export(
        request: Request, asked: Asked, is_revealed: Revealed, kind: Annotated[Literal["csv", "jsonl"], Query(alias="format")] = "csv"
    ) -> Response:
        query = query_of(asked, context.currency())
        detail = f"{kind}{', with account numbers' if is_revealed else ''}"
        store.note(visitor_of(request).name, "exported", None, detail)
        records = store.records(replace(query, limit=MOST_RECORDS))
        lines = csv_lines(records, is_revealed) if kind == "csv" else json_lines(records, is_revealed)
        name = f"checkreader-{datetime.date.today().isoformat()}.{kind}"
        media_type = "text/csv; charset=utf-8" if kind == "csv" else "application/x-ndjson"
        return StreamingResponse(_blocks(lines), media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})

    @router.get("/log", tags=["log"], summary="Who saw, corrected, exported or deleted, newest first", response_model=schemas.Log)
    def log(limit: Limit = 100) -> Response:
        return json_answer({"lines": [log_object(line) for line in store.log(limit)]})

    return router


def _blocks(lines: Iterator[str]) -> Iterator[bytes]:
    """Join lines to blocks, so that not each line is sent by itself."""
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == 100:
            yield "".join(block).encode()
            block.clear()
    yield "".join(block).encode()


def json_answer(content: dict[str, Any]) -> Response:
    """Answer without a second look at types that `views` has made: the described model is checked by the tests."""
    return Response(json.dumps(content, ensure_ascii=False, separators=(",", ":")), media_type=JSONResponse.media_type)
