"""Numbers for Prometheus, taken when they are asked for; no amounts, no accounts, nothing of a person."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as METRICS_TYPE
from prometheus_client.registry import Collector

from edge import __version__
from edge.service.context import Context
from edge.service.record import STATUSES, Query

__all__ = ["METRICS_TYPE", "metrics_text"]


def metrics_text(context: Context) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Numbers(context))
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterable[Metric]:
        daemon, store, state = self._context.daemon, self._context.store, self._context.daemon.state()
        estimate = daemon.estimate()
        n_records, n_bytes = store.size()
        bundle = {"version": __version__, "bundle_version": state.bundle_version, "bundle_sha256": state.bundle_sha256}
        yield InfoMetricFamily("checkreader", "What runs.", bundle)
        records = GaugeMetricFamily("checkreader_records", "Records in the store.", labels=["status"])
        for status in STATUSES:
            records.add_metric([status], store.count(Query(statuses=(status,))))
        yield records
        yield GaugeMetricFamily("checkreader_records_all", "Records in the store, of every status.", n_records)
        yield GaugeMetricFamily("checkreader_review_due", "Records that wait for a person.", store.count(Query(is_review_due=True)))
        yield GaugeMetricFamily("checkreader_store_bytes", "What records and pictures take on the disk.", n_bytes)
        yield CounterMetricFamily("checkreader_glances", "Small pictures looked at.", daemon.n_glances)
        yield CounterMetricFamily("checkreader_frames_read", "Full frames read.", daemon.n_reads)
        yield GaugeMetricFamily("checkreader_camera_fault", "1 while the camera is at fault.", state.fault is not None)
        yield GaugeMetricFamily("checkreader_store_problem", "1 while nothing can be stored.", state.problem is not None)
        yield GaugeMetricFamily("checkreader_accept_threshold", "Confidence from which on an amount is accepted.", state.accept)
        yield GaugeMetricFamily("checkreader_spot_checked", "Accepted readings that a person looked at.", estimate.n)
        yield GaugeMetricFamily("checkreader_spot_checked_wrong", "Of these, wrong ones.", estimate.n_wrong)
        bounds = GaugeMetricFamily("checkreader_error_share", "Error among the accepted, 95 % interval.", labels=["bound"])
        bounds.add_metric(["low"], estimate.low)
        bounds.add_metric(["high"], estimate.high)
        yield bounds
