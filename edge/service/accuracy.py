"""How far the reader can be trusted at this site, and what a calibration would change: for the API, and drawn for the page."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from edge.service import schemas
from edge.service.api import REFUSALS, json_answer
from edge.service.audit import Estimate
from edge.service.calibrate import ENOUGH, Proposal, calibrate, propose, restore
from edge.service.context import Context
from edge.service.guard import visitor_of

# The chart's drawing area, in the units of its picture: shares accepted to the right, expected error upwards.
CHART_WIDTH, CHART_HEIGHT = 320, 150
# The chart ends at so many times the budget: what lies above is out of the question.
_TIMES_BUDGET = 4


def calibration_routes(context: Context) -> APIRouter:
    router = APIRouter(responses=REFUSALS, tags=["calibration"])
    daemon, store = context.daemon, context.store

    @router.get("/calibration", summary="How far to trust it, and what a calibration would change", response_model=schemas.Calibration)
    def shown() -> Response:
        return json_answer(calibration_object(context))

    @router.post("/calibration", summary="Calibrate with what people confirmed or corrected", response_model=schemas.Calibration)
    def apply(request: Request) -> Response:
        daemon.with_reader(lambda reader: calibrate(store, reader, visitor_of(request).name))
        return json_answer(calibration_object(context))

    @router.post("/calibration/restoration", summary="Go back to what was before the last one", response_model=schemas.Calibration)
    def go_back(request: Request) -> Response:
        daemon.with_reader(lambda reader: restore(store, reader, visitor_of(request).name))
        return json_answer(calibration_object(context))

    return router


def calibration_object(context: Context) -> dict[str, Any]:
    proposal = proposal_of(context)
    return {
        "n_looked_at": proposal.n_looked_at,
        "n_needed": ENOUGH,
        "budget": proposal.budget,
        "can_restore": proposal.can_restore,
        "estimate": _estimate_object(context.daemon.estimate()),
        "before": asdict(proposal.before),
        "after": None if proposal.after is None else asdict(proposal.after),
        "curve_before": proposal.curve_before,
        "curve_after": proposal.curve_after,
    }


def proposal_of(context: Context) -> Proposal:
    return context.daemon.with_reader(partial(propose, context.store))


def chart(proposal: Proposal) -> dict[str, Any] | None:
    """Return the chart's lines as SVG points, its top as an error share, and where the budget lies; None: nothing was read yet."""
    if not proposal.curve_before:
        return None
    top = _TIMES_BUDGET * proposal.budget
    return {
        "width": CHART_WIDTH, "height": CHART_HEIGHT, "top": top, "budget_y": CHART_HEIGHT - CHART_HEIGHT * proposal.budget / top,
        "before": _points(proposal.curve_before, top), "after": _points(proposal.curve_after, top),
        "before_x": CHART_WIDTH * proposal.before.share_accepted,
        "after_x": None if proposal.after is None else CHART_WIDTH * proposal.after.share_accepted,
    }  # fmt: skip


def _points(curve: Sequence[tuple[float, float]], top: float) -> str:
    """Return the part of a curve that lies within the chart; one that leaves it at the top ends there."""
    points = []
    for share, error in curve:
        points.append(f"{CHART_WIDTH * share:.1f},{CHART_HEIGHT * (1 - min(1.0, error / top)):.1f}")
        if error >= top:
            break
    return " ".join(points)


def _estimate_object(estimate: Estimate) -> dict[str, Any]:
    return {"n": estimate.n, "n_wrong": estimate.n_wrong, "low": estimate.low, "high": estimate.high}
