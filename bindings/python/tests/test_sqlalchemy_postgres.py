"""Statements and rows by way of SQLAlchemy, on a PostgreSQL of these tests alone."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Trail, made, served

pytest.importorskip("sqlalchemy", minversion="2.0")
pytest.importorskip("greenlet")
pytest.importorskip("psycopg")

from sqlalchemy import ForeignKey, create_engine, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

import tallystick
from tallystick.sqlalchemy import record_changes, time_statements

CLUSTER = Path(__file__).parents[3] / "bench" / "postgres.sh"
PROGRAMS = Path("/usr/lib/postgresql/15/bin")


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(unique=True)
    balance: Mapped[int] = mapped_column(server_default="0")
    tags: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Payment(Base):
    __tablename__ = "payment"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[int] = mapped_column(
        ForeignKey("account.id", deferrable=True, initially="DEFERRED")
    )


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Its URL. It listens on a socket, whose path has to be short and open to the server's user."""
    if not (CLUSTER.exists() and PROGRAMS.exists()):
        pytest.skip("PostgreSQL 15 is not there (packaging/deps.sh bench)")
    folder = tempfile.mkdtemp(prefix="tally-postgres-")
    os.chmod(folder, 0o711)
    cluster = f"{folder}/c"
    env = {**os.environ, "BENCH_POSTGRES_BUFFERS": "16MB"}
    try:
        subprocess.run([CLUSTER, "start", cluster], check=True, env=env, stdout=subprocess.DEVNULL)
        yield f"postgresql+psycopg://bench@/postgres?host={cluster}"
    finally:
        subprocess.run([CLUSTER, "stop", cluster], check=False)
        shutil.rmtree(folder)


@pytest.fixture
def engine(database: str) -> Iterator[Any]:
    engine = create_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Any) -> Iterator[Any]:
    sessions = sessionmaker(engine)
    stop = record_changes(sessions)
    yield sessions
    stop()


def owners(engine: Any) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(Account.owner).order_by(Account.owner)))


def test_rows_that_are_created_changed_and_deleted(sessions: Any, trail: Trail) -> None:
    with tallystick.context(user_id="u42", correlation_id="c-1"):
        with sessions.begin() as session:
            session.add(Account(owner="ann", balance=1, tags={"a": [1]}))
            session.flush()
            session.add(Account(owner="bob"))
        with sessions.begin() as session:
            account = session.scalars(select(Account).where(Account.owner == "ann")).one()
            account.balance += 41
            account.tags = {"a": [1, 2]}
        with sessions.begin() as session:
            session.delete(session.scalars(select(Account).where(Account.owner == "ann")).one())
    entries = trail.entries(4)
    assert [(e["event_type"], e["resource_id"]) for e in entries] == [
        ("data_create", "1"),
        ("data_create", "2"),
        ("data_update", "1"),
        ("data_delete", "1"),
    ]
    assert {(e["user_id"], e["correlation_id"]) for e in entries} == {("u42", "c-1")}
    created, _, changed, deleted = entries
    assert created["changes"]["tags"] == {"before": None, "after": {"a": [1]}}
    assert changed["changes"] == {
        "balance": {"before": 1, "after": 42},
        "tags": {"before": {"a": [1]}, "after": {"a": [1, 2]}},
    }
    assert deleted["changes"]["balance"] == {"before": 42, "after": None}


def test_what_is_rolled_back_did_not_happen(
    engine: Any, sessions: Any, tallystick_events: list[Any]
) -> None:
    with sessions() as session:
        session.add(Account(owner="ann"))
        session.flush()
        session.rollback()
        session.add(Account(owner="bob"))
        session.commit()
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.add(Account(owner="cid"))
        session.flush()
        session.add(Account(owner="bob"))
    assert created(tallystick_events) == owners(engine) == ["bob"]


def created(events: list[Any]) -> list[str]:
    return sorted(event["changes"]["owner"]["after"] for event in events)


def test_a_commit_that_the_database_refuses(
    engine: Any, sessions: Any, tallystick_events: list[Any]
) -> None:
    """A constraint that is looked at with the commit: the rows were flushed, and are not there."""
    with sessions() as session:
        session.add(Account(owner="ann"))
        session.add(Payment(account=99))
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()
        session.add(Account(owner="bob"))
        session.commit()
    assert created(tallystick_events) == owners(engine) == ["bob"]


def test_savepoints(engine: Any, sessions: Any, tallystick_events: list[Any]) -> None:
    with sessions.begin() as session:
        session.add(Account(owner="a"))
        with session.begin_nested():
            session.add(Account(owner="b"))
            with pytest.raises(IntegrityError), session.begin_nested():
                session.add(Account(owner="c"))
                session.flush()
                session.add(Account(owner="a"))
        lost = session.begin_nested()
        with session.begin_nested():
            session.add(Account(owner="d"))
        lost.rollback()
        session.add(Account(owner="e"))
        session.flush()
        assert tallystick_events == []
    assert created(tallystick_events) == owners(engine) == ["a", "b", "e"]


def test_two_transactions_at_once(
    engine: Any, sessions: Any, tallystick_events: list[Any]
) -> None:
    with sessions() as first, sessions() as second:
        first.add(Account(owner="ann"))
        first.flush()
        second.add(Account(owner="bob"))
        second.commit()
        assert created(tallystick_events) == ["bob"]
        first.rollback()
    assert created(tallystick_events) == owners(engine) == ["bob"]


def test_statements_are_timed(engine: Any, tallystick_events: list[Any]) -> None:
    stop = time_statements(engine, slow_ms=50)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": 0.06})
        with pytest.raises(DBAPIError):
            connection.execute(text("SELECT * FROM nowhere WHERE a = :word"), {"word": "hunter2"})
    stop()
    slow, failed = (e for e in tallystick_events if "nowhere" in str(e) or "pg_sleep" in str(e))
    assert slow["response_time_ms"] >= 50
    assert slow["details"]["database"] == "postgresql"
    assert slow["details"]["operation"] == "select"
    assert failed["status"] == "error"
    assert failed["resource_id"] == "nowhere"
    assert 'relation "nowhere" does not exist' in failed["error_message"]
    assert "hunter2" not in str(tallystick_events)


def test_bulk_statements_show_as_statements(engine: Any, tallystick_events: list[Any]) -> None:
    sessions = sessionmaker(engine)
    stops = [record_changes(sessions), time_statements(engine)]
    with sessions.begin() as session:
        session.execute(update(Account).values(balance=func.abs(Account.balance)))
    for stop in stops:
        stop()
    assert [e["event_type"] for e in tallystick_events] == ["database_timing"]
    assert tallystick_events[0]["details"]["operation"] == "update"


def test_asynchronous_engines(database: str, engine: Any, tallystick_events: list[Any]) -> None:
    class OwnSession(Session):
        pass

    async def work(sessions: Any, owner: str) -> None:
        with tallystick.context(user_id=f"user of {owner}"):
            async with sessions.begin() as session:
                session.add(Account(owner=owner))
                await session.flush()
                await session.execute(text("SELECT pg_sleep(0.01)"))
            async with sessions() as session:
                session.add(Account(owner=f"{owner} again"))
                await session.flush()
                await session.rollback()

    async def run() -> None:
        asynchronous = create_async_engine(database)
        sessions = async_sessionmaker(
            asynchronous, class_=AsyncSession, sync_session_class=OwnSession
        )
        stops = [record_changes(OwnSession), time_statements(asynchronous)]
        await asyncio.gather(*(work(sessions, owner) for owner in ("ann", "bob", "cid")))
        for stop in stops:
            stop()
        await asynchronous.dispose()

    asyncio.run(run())
    rows = [e for e in tallystick_events if e["event_type"] == "data_create"]
    assert created(rows) == owners(engine) == ["ann", "bob", "cid"]
    assert all(e["user_id"] == f"user of {e['changes']['owner']['after']}" for e in rows)
    timed = [e for e in tallystick_events if "pg_sleep" in str(e)]
    assert sorted(e["user_id"] for e in timed) == ["user of ann", "user of bob", "user of cid"]


def test_fail_closed(engine: Any, tmp_path: Path) -> None:
    """In mode sync, what cannot be recorded does not happen; with the trail back, it goes on."""
    trail = made(tmp_path / "data")
    server = served(trail)
    sessions = sessionmaker(engine)
    stop = record_changes(sessions, mode="sync")
    try:
        tallystick.configure(trail.url, key=trail.admin_key, timeout_ms=60_000)
        with sessions.begin() as session:
            session.add(Account(owner="ann"))
        server.kill()
        server.wait()
        tallystick.configure(trail.url, key=trail.admin_key, timeout_ms=300)
        with pytest.raises(tallystick.Denied), sessions.begin() as session:
            session.add(Account(owner="bob"))
        with sessions() as session:
            session.get(Account, 1).balance = 5
            with pytest.raises(tallystick.Denied):
                session.commit()
        server = served(trail)
        tallystick.configure(trail.url, key=trail.admin_key, timeout_ms=60_000)
        with sessions.begin() as session:
            session.add(Account(owner="cid"))
        assert created(trail.entries(2)) == owners(engine) == ["ann", "cid"]
    finally:
        stop()
        tallystick.close(0)
        server.kill()
        server.wait()
    with engine.connect() as connection:
        assert connection.scalars(select(Account.balance)).all() == [0, 0]
