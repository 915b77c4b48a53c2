"""Statements and rows by way of SQLAlchemy, on SQLite in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    create_engine,
    event,
    exc,
    select,
    text,
    update,
)
from sqlalchemy.orm import declarative_base, relationship, sessionmaker

import tallystick
from tallystick import recorder as recorders
from tallystick.sqlalchemy import record_changes, time_statements

Base: Any = declarative_base()


class Account(Base):
    __tablename__ = "account"
    id = Column(Integer, primary_key=True)
    owner = Column(String)
    balance = Column(Integer)
    password = Column(String)


Between = Table(
    "between",
    Base.metadata,
    Column("user", ForeignKey("user.id"), primary_key=True),
    Column("role", ForeignKey("role.id"), primary_key=True),
)


TeamRoles = Table(
    "team_roles",
    Base.metadata,
    Column("team", ForeignKey("team.id"), primary_key=True),
    Column("role", ForeignKey("role.id"), primary_key=True),
)


class Team(Base):
    __tablename__ = "team"
    id = Column(Integer, primary_key=True)
    roles = relationship("Role", secondary=TeamRoles, lazy="dynamic")


class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
    roles = relationship("Role", secondary=Between, backref="users")
    seen_roles = relationship("Role", secondary=Between, viewonly=True)


class Role(Base):
    __tablename__ = "role"
    id = Column(Integer, primary_key=True)


class Share(Base):
    __tablename__ = "share"
    account = Column(Integer, primary_key=True)
    name = Column(String, primary_key=True)


@pytest.fixture
def engine() -> Iterator[Any]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def Session(engine: Any) -> Iterator[Any]:
    Session = sessionmaker(engine)
    stop = record_changes(Session)
    yield Session
    stop()


def test_a_statement_is_timed(engine: Any, tallystick_events: list[Any]) -> None:
    stop = time_statements(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT * FROM account WHERE owner = :who"), {"who": "secret"})
    stop()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    (event,) = tallystick_events
    assert event["event_type"] == "database_timing"
    assert event["resource_id"] == "account"
    assert event["response_time_ms"] >= 0
    assert event["details"]["operation"] == "select"
    assert event["details"]["database"] == "sqlite"
    assert "secret" not in str(event)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("INSERT INTO account (id) VALUES (1)", "account"),
        ("UPDATE account SET balance = 1", "account"),
        ('DELETE FROM "account"', "account"),
        ("DELETE FROM main.account", "main.account"),
        ("SELECT 1", None),
    ],
)
def test_the_table_is_the_resource(
    engine: Any, tallystick_events: list[Any], statement: str, table: str | None
) -> None:
    time_statements(engine)
    with engine.connect() as connection:
        connection.execute(text(statement))
    assert tallystick_events[-1].get("resource_id") == table


def test_a_statement_that_fails(engine: Any, tallystick_events: list[Any]) -> None:
    time_statements(engine, slow_ms=10_000)
    with engine.connect() as connection, pytest.raises(Exception, match="no such table"):
        connection.execute(text("SELECT * FROM nowhere"))
    (event,) = tallystick_events
    assert event["status"] == "error"
    assert "no such table" in event["error_message"]


def test_quick_ones_are_left_out(engine: Any, tallystick_events: list[Any]) -> None:
    time_statements(engine, slow_ms=10_000)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert tallystick_events == []


def test_a_row_from_the_cradle_to_the_grave(
    Session: Any, tallystick_events: list[Any]
) -> None:
    with tallystick.context(user_id="u1"), Session() as session:
        account = Account(owner="ann", balance=1)
        session.add(account)
        session.commit()
        assert account.balance == 1
        account.balance = 2
        session.commit()
        assert account.balance == 2
        session.delete(account)
        session.commit()
    created, changed, deleted = tallystick_events
    assert created["event_type"] == "data_create"
    assert created["crud"] == "C"
    assert created["resource_type"] == "account"
    assert created["resource_id"] == "1"
    assert created["user_id"] == "u1"
    assert created["changes"]["owner"] == {"before": None, "after": "ann"}
    assert "password" not in created["changes"]
    assert changed["action"] == "resource.update"
    assert changed["changes"] == {"balance": {"before": 1, "after": 2}}
    assert deleted["event_type"] == "data_delete"
    assert deleted["changes"]["balance"] == {"before": 2, "after": None}


def test_a_key_of_two_columns(Session: Any, tallystick_events: list[Any]) -> None:
    with Session.begin() as session:
        session.add(Share(account=7, name="x"))
    assert tallystick_events[0]["resource_id"] == "7,x"


def test_rows_between_two_tables(Session: Any, tallystick_events: list[Any]) -> None:
    with Session.begin() as session:
        session.add_all([User(id=7, roles=[Role(id=1), Role(id=2)]), Role(id=3)])
    with Session.begin() as session:
        user = session.get(User, 7)
        user.roles.append(session.get(Role, 3))
        user.roles.remove(session.get(Role, 1))
    with Session.begin() as session:
        role = session.get(Role, 2)
        role.users.clear()
    with Session.begin() as session:
        user = session.get(User, 7)
        user.roles = list(user.roles)
        session.flush()
        session.delete(user)
    said = [
        (e["action"], change["before"], change["after"])
        for e in tallystick_events
        for name, change in e["changes"].items()
        if e["resource_type"] == "user" and name == "roles"
    ]
    assert said == [
        ("resource.create", None, ["1", "2"]),
        ("resource.update", ["1", "2"], ["2", "3"]),
        ("resource.delete", ["3"], None),
    ]
    (cleared,) = (e for e in tallystick_events if e["resource_id"] == "2" and e["crud"] == "U")
    assert cleared["changes"] == {"users": {"before": ["7"], "after": []}}


def test_of_members_that_are_not_loaded_those_that_differ(
    Session: Any, tallystick_events: list[Any]
) -> None:
    with Session.begin() as session:
        session.add_all([Team(id=7, roles=[Role(id=1), Role(id=3)]), Role(id=2)])
    before = len(tallystick_events)
    with Session.begin() as session:
        team, role, other = session.get(Team, 7), session.get(Role, 1), session.get(Role, 2)
        team.roles.append(other)
        team.roles.remove(role)
    (event,) = tallystick_events[before:]
    assert event["changes"] == {"roles": {"before": {"removed": ["1"]}, "after": {"added": ["2"]}}}


def test_nothing_is_recorded_before_the_commit(
    Session: Any, tallystick_events: list[Any]
) -> None:
    with Session() as session:
        session.add(Account(owner="ann"))
        session.flush()
        assert tallystick_events == []
        session.commit()
    assert len(tallystick_events) == 1


def test_what_is_rolled_back_did_not_happen(
    Session: Any, tallystick_events: list[Any]
) -> None:
    with Session() as session:
        session.add(Account(owner="ann"))
        session.flush()
        session.rollback()
        session.add(Account(owner="bob"))
        session.commit()
    assert [e["changes"]["owner"]["after"] for e in tallystick_events] == ["bob"]


def test_a_session_that_is_closed_did_nothing(
    Session: Any, tallystick_events: list[Any]
) -> None:
    with Session() as session:
        session.add(Account(owner="ann"))
        session.flush()
    with Session() as session:
        session.commit()
    assert tallystick_events == []


def test_savepoints(Session: Any, tallystick_events: list[Any]) -> None:
    with Session() as session:
        session.add(Account(owner="a"))
        session.flush()
        kept = session.begin_nested()
        session.add(Account(owner="b"))
        session.flush()
        kept.commit()
        assert tallystick_events == []
        lost = session.begin_nested()
        session.add(Account(owner="c"))
        session.flush()
        lost.rollback()
        outer = session.begin_nested()
        inner = session.begin_nested()
        session.add(Account(owner="d"))
        session.flush()
        inner.commit()
        outer.rollback()
        left = session.begin_nested()
        session.add(Account(owner="f"))
        session.flush()
        left.close()
        session.add(Account(owner="e"))
        session.commit()
    assert [e["changes"]["owner"]["after"] for e in tallystick_events] == ["a", "b", "e"]


def test_only_what_is_wanted(engine: Any, tallystick_events: list[Any]) -> None:
    Session = sessionmaker(engine)
    stop = record_changes(
        Session, only=lambda row: isinstance(row, Account), exclude=("balance",)
    )
    with Session.begin() as session:
        session.add(Account(owner="ann", balance=3))
        session.add(Share(account=1, name="x"))
    stop()
    with Session.begin() as session:
        session.add(Account(owner="bob"))
    (event,) = tallystick_events
    assert set(event["changes"]) == {"id", "owner"}


def test_a_row_that_is_set_to_what_it_was(Session: Any, tallystick_events: list[Any]) -> None:
    with Session.begin() as session:
        session.add(Account(id=5, owner="ann"))
    with Session.begin() as session:
        account = session.get(Account, 5)
        account.owner = "bob"
        account.owner = "ann"
    assert len(tallystick_events) == 1


def test_bulk_statements_are_not_rows(Session: Any, tallystick_events: list[Any]) -> None:
    with Session.begin() as session:
        session.execute(update(Account).values(balance=0))
    assert tallystick_events == []


class Away(recorders.Recorder):
    """A trail that gives no receipt."""

    def record(self, event: dict[str, Any], mode: Any = None) -> Any:
        raise tallystick.Denied("away")


def test_fail_closed(engine: Any) -> None:
    Session = sessionmaker(engine)
    record_changes(Session, mode="sync", recorder=Away())
    with Session() as session:
        session.add(Account(owner="ann"))
        with pytest.raises(tallystick.Denied):
            session.commit()
        session.rollback()
    with engine.connect() as connection:
        assert connection.execute(select(Account)).all() == []


def test_an_event_for_each_before_the_commit(
    engine: Any, tallystick_events: list[Any]
) -> None:
    Session = sessionmaker(engine)
    record_changes(Session, mode="sync")
    with Session.begin() as session:
        session.add(Account(owner="ann"))
    assert len(tallystick_events) == 1


def test_an_error_does_not_tell_parameters(engine: Any, tallystick_events: list[Any]) -> None:
    session = sessionmaker(engine)()
    session.add_all([Account(id=1, password="hush"), Account(id=1, password="hush")])
    for error, call in (
        (exc.IntegrityError, session.flush),
        (exc.PendingRollbackError, session.connection),
    ):
        with pytest.raises(error, match="hush"), tallystick.scope("account.make"):
            call()
    session.close()
    for event in tallystick_events:
        assert "UNIQUE constraint failed" in event["error_message"]
        assert "INSERT INTO account" in event["error_message"]
        assert "hush" not in str(event)
    assert len(tallystick_events) == 2


class Deaf(recorders.Recorder):
    """A trail that gives no receipt for some rows; it keeps what it gave one for."""

    def __init__(self, *away: str, **options: Any) -> None:
        super().__init__(**options)
        self.away, self.kept = list(away), list[str]()

    def record(self, event: dict[str, Any], mode: Any = None) -> Any:
        if event["resource_id"] in self.away:
            raise tallystick.Denied("away")
        self.kept.append(event["resource_id"])


def test_two_of_one_session_have_each_its_own(engine: Any) -> None:
    accounts, shares = Deaf(), Deaf(mode="sync")
    Session = sessionmaker(engine)
    record_changes(Session, only=lambda row: isinstance(row, Account), recorder=accounts)
    record_changes(Session, only=lambda row: isinstance(row, Share), recorder=shares)
    with Session() as session:
        session.add(Account(id=1))
        with session.begin_nested():
            session.add_all([Account(id=2), Share(account=1, name="x")])
        lost = session.begin_nested()
        session.add_all([Account(id=3), Share(account=3, name="y")])
        session.flush()
        lost.rollback()
        shares.away.append("1,x")
        with pytest.raises(tallystick.Denied):
            session.commit()
        assert accounts.kept == []
        shares.away.clear()
        session.commit()
    assert (accounts.kept, shares.kept) == (["1", "2"], ["1,x"])


def test_a_recorder_whose_mode_is_sync_fails_closed(engine: Any) -> None:
    away = recorders.Recorder("http://127.0.0.1:1", mode="sync", timeout_ms=500)
    Session = sessionmaker(engine)
    record_changes(Session, recorder=away)
    with Session() as session:
        session.add(Account(owner="ann"))
        with session.begin_nested():
            session.add(Account(owner="bob"))
        with pytest.raises(tallystick.Denied):
            session.commit()
        session.rollback()
    with engine.connect() as connection:
        assert connection.execute(select(Account)).all() == []
    away.close(0)


def test_a_commit_that_is_tried_again_needs_its_receipts(engine: Any) -> None:
    deaf = Deaf("2", mode="sync")
    Session = sessionmaker(engine)
    record_changes(Session, recorder=deaf)
    with Session() as session:
        session.add_all([Account(id=1), Account(id=2)])
        for _ in range(2):
            with pytest.raises(tallystick.Denied):
                session.commit()
        deaf.away.clear()
        session.commit()
    assert deaf.kept == ["1", "2"]


def leaves_a_savepoint_open(session: Any) -> None:
    session.add(Account(id=1))
    session.begin_nested()
    session.add(Account(id=2))


def has_a_listener_that_adds(session: Any) -> None:
    event.listen(session, "before_commit", lambda it: it.add(Account(id=2)), once=True)
    session.add(Account(id=1))


@pytest.mark.parametrize("work", [leaves_a_savepoint_open, has_a_listener_that_adds])
def test_what_the_commit_itself_flushes_needs_its_receipt(engine: Any, work: Any) -> None:
    deaf = Deaf("2", mode="sync")
    Session = sessionmaker(engine)
    record_changes(Session, recorder=deaf)
    with pytest.raises(tallystick.Denied), Session.begin() as session:
        work(session)
    with engine.connect() as connection:
        assert connection.execute(select(Account)).all() == []
    deaf.away.clear()
    with Session.begin() as session:
        work(session)
    assert deaf.kept[-2:] == ["1", "2"]


def test_a_connection_keeps_nothing_of_its_transactions(engine: Any) -> None:
    deaf = Deaf(mode="sync")
    Session = sessionmaker(engine)
    record_changes(Session, recorder=deaf)
    with engine.connect() as connection:
        for number in (1, 2, 3):
            with Session(bind=connection) as session:
                session.add(Account(id=number))
                session.flush()
                assert len(list(connection.dispatch.commit)) == 1
                session.rollback() if number == 2 else session.commit()
            assert list(connection.dispatch.commit) == []
    assert deaf.kept == ["1", "3"]


def test_a_savepoint_is_not_recorded_before_the_commit(engine: Any) -> None:
    deaf = Deaf(mode="sync")
    Session = sessionmaker(engine)
    record_changes(Session, recorder=deaf)
    with Session() as session:
        with session.begin_nested():
            session.add(Account(id=1))
        assert deaf.kept == []
        session.rollback()
        session.add(Account(id=2))
        session.commit()
    assert deaf.kept == ["2"]


def test_what_is_committed_stays_where_a_strict_recorder_fails(engine: Any) -> None:
    deaf = Deaf("1", strict=True)
    Session = sessionmaker(engine)
    record_changes(Session, recorder=deaf)
    with Session.begin() as session:
        session.add_all([Account(id=1), Account(id=2)])
    assert (deaf.kept, deaf.failed) == (["2"], 1)


def test_asynchronous_sessions(tallystick_events: list[Any]) -> None:
    pytest.importorskip("aiosqlite")
    asyncio_of_sqlalchemy = pytest.importorskip("sqlalchemy.ext.asyncio")
    from sqlalchemy.orm import Session as SyncSession

    class OwnSession(SyncSession):
        pass

    async def run() -> None:
        engine = asyncio_of_sqlalchemy.create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        stop = time_statements(engine, slow_ms=10_000)
        record_changes(OwnSession)
        async with asyncio_of_sqlalchemy.AsyncSession(
            engine, sync_session_class=OwnSession
        ) as session:
            session.add(Account(owner="ann"))
            await session.commit()
        stop()
        await engine.dispose()

    asyncio.run(run())
    assert [e["changes"]["owner"]["after"] for e in tallystick_events] == ["ann"]
