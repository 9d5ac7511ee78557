"""`checkreader calibrate`: this site's calibration in the terminal, while the daemon does not run."""

from contextlib import closing

from edge.config import Config
from edge.errors import UsageError
from edge.service.calibrate import ENOUGH, Proposal, calibrate, propose, restore
from edge.service.reader import SiteReader
from edge.service.serve import open_store
from edge.service.tuning import TUNING

_WHO = "owner"


def calibrate_store(config: Config, is_restored: bool, is_tried: bool) -> int:
    """Fit the store's tuning anew, or put the one before back; print what changes.

    Raises:
        UsageError: too few readings were looked at, or there is nothing to go back to.
        StoreError: the daemon runs, or the store cannot be opened.
    """
    with closing(open_store(config)) as store:
        reader = SiteReader(config.reading, store.remembered(TUNING))
        if is_restored:
            tuning = restore(store, reader, _WHO)
            print(f"temperature {tuning.temperature:.3f} is in use again from the daemon's next start on")
            return 0
        proposal = propose(store, reader) if is_tried else calibrate(store, reader, _WHO)
        if proposal.after is None:
            raise UsageError(f"people have looked at {proposal.n_looked_at} of the {ENOUGH} readings that it takes; review more")
        _print(proposal)
        print(
            "nothing was changed" if is_tried
            else "the new ones are in use from the daemon's next start on; `checkreader calibrate --restore` puts the old ones back"
        )  # fmt: skip
        return 0


def _print(proposal: Proposal) -> None:
    """Show accepted and wrong before and after, on what people looked at, and the share accepted of everything."""
    assert proposal.tuning is not None
    print(f"{proposal.n_looked_at} readings that people looked at; temperature {proposal.tuning.temperature:.3f}")
    print(f"{'':8}{'threshold':>12}{'looked at, accepted':>22}{'wrong among them':>34}{'accepted of all':>18}")
    for name, outcome in (("before", proposal.before), ("after", proposal.after)):
        assert outcome is not None
        interval = f"{outcome.n_wrong} ({100 * outcome.low:.1f} to {100 * outcome.high:.1f} %)"
        print(f"{name:8}{outcome.threshold:12.4f}{outcome.n_accepted:22d}{interval:>34}{100 * outcome.share_accepted:16.1f} %")
    print(f"the budget is {100 * proposal.budget:g} %")
