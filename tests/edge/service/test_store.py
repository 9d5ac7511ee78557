"""Records are kept once, found again, and what people say of them is kept beside what was read."""

import datetime
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import StoreError, UsageError
from edge.service.record import Query, Record
from edge.service.store import Store
from tests.edge.service.conftest import NOW, PICTURE

Make = Callable[..., Record]


def test_a_record_comes_back_with_its_picture_after_the_store_was_closed(tmp_path: Path, make_record: Make) -> None:
    store = Store(tmp_path)
    added = store.add(make_record(), PICTURE)
    store.close()
    again = Store(tmp_path)
    assert again.get(added.id) == added
    assert again.picture(added) == PICTURE
    again.close()


def test_a_second_daemon_on_one_store_is_refused(tmp_path: Path) -> None:
    first = Store(tmp_path)
    with pytest.raises(StoreError, match="another checkreader has the store"):
        Store(tmp_path)
    first.close()
    Store(tmp_path).close()


def test_the_same_check_laid_down_again_is_marked_as_a_possible_duplicate(store: Store, make_record: Make) -> None:
    first = store.add(make_record())
    other = store.add(make_record(number="1043"))
    again = store.add(make_record(time=NOW + datetime.timedelta(hours=1)))
    assert [first.possible_duplicate_of, other.possible_duplicate_of, again.possible_duplicate_of] == [None, None, first.id]
    assert store.get(again.id) == again


def test_records_are_found_by_day_amount_status_and_words(store: Store, make_record: Make) -> None:
    small = store.add(make_record(minor_units=500, number="1"))
    large = store.add(make_record(status="unsure", minor_units=9_999_999, number="2", time=NOW + datetime.timedelta(days=2)))
    assert store.search(Query(least_minor_units=501)) == [large]
    assert store.search(Query(most_minor_units=500)) == [small]
    assert store.search(Query(first_day=datetime.date(2026, 3, 3))) == [large]
    assert store.search(Query(last_day=datetime.date(2026, 3, 2))) == [small]
    assert store.search(Query(statuses=("unsure", "rejected"))) == [large]
    assert store.search(Query(is_review_due=True)) == [large]
    assert store.search(Query(text="99,999.99 03/02")) == [large]
    assert store.search(Query(text="nobody")) == []
    assert store.search(Query(text="%")) == []
    for query in (Query(), Query(limit=1), Query(least_minor_units=501), Query(is_review_due=True), Query(text="nobody")):
        assert store.summaries(query) == [record.summary for record in store.search(query)]
    assert store.count(Query()) == 2


def test_pages_of_a_search_give_each_record_once(store: Store, make_record: Make) -> None:
    ids = [store.add(make_record(number=str(number))).id for number in range(1, 8)]
    assert [record.id for record in store.records(Query(limit=3))] == ids[::-1]


def test_a_correction_keeps_what_was_read_beside_what_a_person_says(store: Store, make_record: Make) -> None:
    record = store.add(make_record(status="unsure"))
    corrected = store.correct(record.id, {"amount": "1,284.56", "date": "03/02/2026"}, "ann")
    assert corrected is not None
    assert corrected.status == "corrected"
    assert corrected.fields == record.fields
    assert corrected.value("amount", "minor_units") == 128456
    assert corrected.truth["date"]["iso"] == "2026-03-02"
    assert store.search(Query(least_minor_units=128456)) == [corrected]
    assert [(line.who, line.action, line.record_id, line.detail) for line in store.log()] == [("ann", "corrected", record.id, "amount")]


def test_a_confirmation_names_the_amount_as_it_was_read(store: Store, make_record: Make) -> None:
    record = store.add(make_record(status="unsure"))
    confirmed = store.correct(record.id, {}, "ann")
    assert confirmed is not None
    assert (confirmed.status, confirmed.truth["amount"]["text"], set(confirmed.truth)) == ("confirmed", "1,234.56", {"amount"})


@pytest.mark.parametrize(
    ("name", "text"), [("amount", "12.3.4"), ("date", "31/31/2026"), ("check_number", "12a"), ("micr", "hello"), ("payee", "Ann")]
)
def test_a_correction_that_makes_no_sense_changes_nothing(store: Store, make_record: Make, name: str, text: str) -> None:
    record = store.add(make_record(status="unsure"))
    with pytest.raises(UsageError):
        store.correct(record.id, {name: text}, "ann")
    assert store.get(record.id) == record
    assert store.log() == []


def test_a_record_that_is_not_there_can_be_neither_corrected_nor_deleted(store: Store) -> None:
    assert store.correct(7, {}, "ann") is None
    assert store.reject(7, "ann") is None
    assert not store.delete(7, "ann")


def test_a_deleted_record_takes_its_picture_along_and_leaves_a_line_in_the_log(store: Store, make_record: Make) -> None:
    record = store.add(make_record(), PICTURE)
    assert store.delete(record.id, "ann")
    assert store.get(record.id) is None
    assert [path for path in (store.folder / "pictures").rglob("*") if path.is_file()] == []
    assert store.log()[0].action == "deleted"


def test_totals_count_what_was_accepted_or_confirmed(store: Store, make_record: Make) -> None:
    store.add(make_record(minor_units=1000, number="1"))
    unsure = store.add(make_record(status="unsure", minor_units=2000, number="2"))
    rejected = store.add(make_record(minor_units=4000, number="3"))
    store.reject(rejected.id, "ann")
    (total,) = store.totals(NOW.astimezone().date())
    assert (total.currency, total.minor_units, total.n_records, total.n_review_due, total.n_rejected) == ("USD", 1000, 3, 1, 1)
    store.correct(unsure.id, {"amount": "25.00"}, "ann")
    assert store.totals(NOW.astimezone().date())[0].minor_units == 3500


def test_an_accepted_reading_that_chance_drew_waits_for_a_person(store: Store, make_record: Make) -> None:
    drawn = store.add(make_record(is_drawn=True))
    assert store.search(Query(is_review_due=True)) == [drawn]
    store.correct(drawn.id, {"amount": "9.99"}, "ann")
    assert store.search(Query(is_review_due=True)) == []
    (evidence,) = store.evidence()
    assert (evidence.was_accepted, evidence.is_drawn, evidence.is_right, evidence.confidence) == (True, True, False, 0.997)


def test_what_lies_under_the_camera_is_known_to_the_next_daemon(tmp_path: Path, make_record: Make) -> None:
    store = Store(tmp_path)
    record = store.add(make_record(), is_lying=True)
    store.close()
    store = Store(tmp_path)
    assert store.lying() == [record]
    beside = store.add(make_record(number="7"), is_lying=True)
    store.add(make_record(number="8"))
    assert store.lying() == [record, beside]
    store.keep_lying([beside.id])
    assert store.lying() == [beside]
    store.remember("lying", record.id)  # as stores had it in which only one check could lie there
    assert store.lying() == [record]
    store.keep_lying([])
    assert store.lying() == []
    store.close()


def test_settings_of_the_page_and_of_the_daemon_are_kept_apart(store: Store) -> None:
    store.remember("threshold", 0.99)
    store.change_settings({"reading.currency": "EUR", "audit.one_in": 20}, "ann")
    store.change_settings({"audit.one_in": None}, "ann")
    assert store.settings() == {"reading.currency": "EUR"}
    assert store.remembered("threshold") == 0.99


def test_a_full_disk_keeps_nothing_and_says_what_to_do(store: Store, make_record: Make) -> None:
    with store._database.writing() as connection:
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
    store._database._writer.execute(f"PRAGMA max_page_count={n_pages}")

    def add_many() -> None:
        for _ in range(100):
            store.add(make_record(), PICTURE)

    with pytest.raises(StoreError, match="make room"):
        add_many()
    kept = {record.picture for record in store.records(Query())}
    store._database._writer.execute("PRAGMA max_page_count=100000")
    assert {str(p.relative_to(store.folder)) for p in (store.folder / "pictures").rglob("*.jpg")} == kept
    assert store.add(make_record()).id == len(kept) + 1


def test_threads_add_and_read_side_by_side(store: Store, make_record: Make) -> None:
    def add() -> None:
        for _ in range(20):
            store.add(make_record())
            store.search(Query(limit=5))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(Query()) == 80


def test_a_picture_that_was_changed_on_the_disk_is_not_shown(store: Store, make_record: Make) -> None:
    record = store.add(make_record(), PICTURE)
    assert record.picture is not None
    (store.folder / record.picture).write_bytes(b"something else")
    with pytest.raises(StoreError, match="damaged"):
        store.picture(record)
