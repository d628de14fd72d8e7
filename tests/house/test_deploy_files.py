"""The files of deploy/ fit the product: settings that exist, commands that exist, and limits that agree."""

from __future__ import annotations

import re
import shlex
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from house.packages import DEMO
from house.product import PROGRAMS
from partner_engine.api.http.body_limit import MAX_REQUEST_BYTES
from partner_engine.environment import TENANT_DATABASE_PREFIX, keyring, unquoted
from partner_engine.web_server import ACCEPT_SECONDS, IDLE_SECONDS
from tests.house.test_promises import CHECKOUT

DEPLOY: Final = CHECKOUT / "deploy"
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
#: Read by programs around the settings, or by compose.yaml.
BESIDE_SETTINGS: Final = {
    *("HOST", "PORT", "DEMO", "PROMETHEUS_MULTIPROC_DIR", "EXTRAS"),
    *("POSTGRES_SUPERUSER_PASSWORD", "PARTNER_ENGINE_PASSWORD", "BACKUP_PASSWORD"),
}
#: Set by programs for themselves, never by people.
INTERNAL: Final = {"MAINTENANCE"}
SETTINGS_FILES: Final = ("partner_engine/settings.py", "partner_engine/environment.py")
#: Flags without which the product is less safe, or loses requests.
WEB_FLAGS: Final = (
    *("--no-proxy-headers", "--ws-max-size 65536"),
    *("--timeout-graceful-shutdown 30", "--timeout-keep-alive 75"),
)


def settings_read() -> set[str]:
    """Return the names of all environment variables that the settings read."""
    text = "".join((CHECKOUT / name).read_text(encoding="utf-8") for name in SETTINGS_FILES)
    return set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', text))


def named_in(path: Path) -> dict[str, str]:
    """Return the variables of a file of settings, also those that are commented out."""
    lines = re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: value for name, value in lines if not name.startswith(TENANT_DATABASE_PREFIX)}


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", [".env.example", "deploy/.env.example"])
def test_every_named_setting_exists(name: str) -> None:
    assert set(named_in(CHECKOUT / name)) - settings_read() - BESIDE_SETTINGS == set()


def test_every_setting_is_named() -> None:
    assert settings_read() - set(named_in(CHECKOUT / ".env.example")) == INTERNAL


def test_the_production_example_sets_what_stops_a_start() -> None:
    text = (DEPLOY / ".env.example").read_text(encoding="utf-8")
    needed = {"SECRET_KEY", "KEYRING", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL"}

    assert needed <= set(re.findall(r"^([A-Z_]+)=", text, flags=re.MULTILINE))
    assert not {"DEBUG", "DEMO", "FAILPOINT"} & set(named_in(DEPLOY / ".env.example"))
    quoted = named_in(DEPLOY / ".env.example")["KEYRING"].strip("'")
    assert keyring(quoted.replace("<base64 of 32 random bytes>", "A" * 43 + "="))


@pytest.mark.parametrize("name", ["KEYRING", "MAIL_FROM"])
def test_values_that_a_shell_needs_quotes_for_are_the_same_with_them(name: str) -> None:
    quoted = named_in(DEPLOY / ".env.example")[name]

    assert (quoted[0], unquoted(quoted), unquoted(quoted[1:-1])) == ("'", quoted[1:-1], quoted[1:-1])
    assert unquoted("'") == "'"
    assert unquoted("O'Neill & Co") == "O'Neill & Co"


def test_a_quoted_key_ring_opens_the_same() -> None:
    quoted = named_in(DEPLOY / ".env.example")["KEYRING"].replace("<base64 of 32 random bytes>", "A" * 43 + "=")

    assert keyring(quoted) == keyring(quoted.strip("'"))


def test_every_extra_can_be_installed_and_is_documented() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    page = (CHECKOUT / "docs" / "deploying.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(\w+)` \| `requirements-\1\.txt` \|", page, flags=re.MULTILINE)) == extras
    assert [extra for extra in extras if not (CHECKOUT / f"requirements-{extra}.txt").is_file()] == []
    assert "ARG EXTRAS" in (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert compose()["services"]["web"]["build"]["args"] == {"EXTRAS": "${EXTRAS:-}"}


def test_the_demo_has_the_server_for_agents() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

    assert set(project["project"]["optional-dependencies"]["mcp"]) < set(map(str, project["dependency-groups"][DEMO]))
    source = (CHECKOUT / "house" / "product.py").read_text(encoding="utf-8")
    assert "ensure_packages(supervisor, DEMO," in source


def test_the_checks_that_stop_a_start_are_documented() -> None:
    sources = [CHECKOUT / "partner_engine" / name for name in ("checks.py", "start_checks.py")]
    known = set(re.findall(r'"(?:partner_engine\.)?(E0\d\d)"', "".join(path.read_text() for path in sources)))

    table = (CHECKOUT / "docs" / "deploying.md").read_text(encoding="utf-8")

    assert known
    assert [check for check in sorted(known) if check not in table] == []


def commands() -> list[tuple[str, str]]:
    """Return each command of the units and of compose.yaml with its origin."""
    found = []
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found.append((unit.name, line.replace("/opt/partner-engine/current/.venv/bin/", "")))
    for name, service in compose()["services"].items():
        if service.get("image") == "partner-engine" and "command" in service:
            found.append((f"compose {name}", shlex.join(service["command"])))
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    (default,) = re.findall(r"^CMD \[(.*)\]$", image, flags=re.MULTILINE)
    return [*found, ("image", " ".join(re.findall(r'"([^"]*)"', default)))]


@pytest.mark.parametrize(("origin", "line"), commands(), ids=lambda text: text.split()[0])
def test_every_command_exists_with_its_options(origin: str, line: str) -> None:
    program, *arguments = shlex.split(line)
    if arguments[:2] == ["-m", "partner_engine.web_server"]:
        # uvicorn's command with another way to stop.
        program, arguments = "uvicorn", arguments[2:]
    if program == "python":
        assert arguments[0] == "manage.py", origin
        command = load_command_class(get_commands()[arguments[1]], arguments[1])
        command.create_parser("manage.py", arguments[1]).parse_args(arguments[2:])
        return
    # Programs that `make run` starts with these options too.
    kind = {"uvicorn": "web", "celery": arguments[2] if program == "celery" else ""}[program]
    tried = {*shlex.split(PROGRAMS[kind]), "--schedule"}
    assert [option for option in arguments if option.startswith("-") and option not in tried] == [], origin
    if program == "uvicorn":
        assert [flag for flag in WEB_FLAGS if flag not in line] == [], origin


def test_a_web_process_is_not_killed_before_it_has_stopped() -> None:
    unit = (DEPLOY / "systemd" / "partner-engine-web@.service").read_text(encoding="utf-8")
    (by_systemd,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, flags=re.MULTILINE)
    by_compose = compose()["services"]["web"]["stop_grace_period"].removesuffix("s")
    (by_hand,) = re.findall(r"docker stop --time (\d+)", (DEPLOY / "Containerfile").read_text(encoding="utf-8"))
    lines = [line for _, line in commands() if "partner_engine.web_server" in line]

    for_requests = [float(re.findall(r"--timeout-graceful-shutdown (\d+)", line)[0]) for line in lines]

    # The rest is for requests that are cancelled then.
    needed = ACCEPT_SECONDS + IDLE_SECONDS + max(for_requests) + 5
    assert len(lines) == 2
    assert [limit for limit in (by_systemd, by_compose, by_hand) if float(limit) < needed] == []


def test_there_is_a_unit_and_a_service_for_each_process() -> None:
    units = {unit.stem.removeprefix("partner-engine-").rstrip("@") for unit in UNITS}

    assert units == {"web", "relay", "worker", "beat"}
    assert units < set(compose()["services"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_run_as_an_ordinary_user_with_the_settings(unit: Path) -> None:
    lines = set(unit.read_text(encoding="utf-8").splitlines())

    expected = {"User=partner-engine", "EnvironmentFile=/etc/partner-engine/environment", "NoNewPrivileges=true"}
    assert expected | {"ProtectSystem=strict"} <= lines


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_may_write_into_the_folders_of_the_example(unit: Path) -> None:
    lines = set(unit.read_text(encoding="utf-8").splitlines())

    example = named_in(DEPLOY / ".env.example")
    assert example["LOG_DIRECTORY"] == "/var/log/partner-engine"
    assert example["PROMETHEUS_MULTIPROC_DIR"] == "/run/partner-engine"
    # Kept by a restart of one unit, because all of them share it.
    assert {"LogsDirectory=partner-engine", "RuntimeDirectory=partner-engine", "RuntimeDirectoryPreserve=yes"} <= lines


def test_the_proxy_asks_the_name_server_of_its_own_network() -> None:
    proxy = compose()["services"]["proxy"]
    template = (DEPLOY / "nginx" / "upstream-compose.conf.template").read_text(encoding="utf-8")

    assert "resolver ${NGINX_LOCAL_RESOLVERS} " in template
    assert proxy["environment"]["NGINX_ENTRYPOINT_LOCAL_RESOLVERS"] == "1"
    included = re.findall(r"^include (.+);", (DEPLOY / "nginx" / "partner-engine.conf").read_text(), flags=re.MULTILINE)
    made = [volume.split(":")[1] for volume in proxy["volumes"] if "/templates/" in volume]
    assert [f"{proxy['environment']['NGINX_ENVSUBST_OUTPUT_DIR']}/{Path(path).stem}" for path in made] == included


@pytest.mark.parametrize("name", ["upstream-systemd.conf", "upstream-compose.conf.template"])
def test_nginx_leaves_out_no_web_process_that_was_just_restarted(name: str) -> None:
    text = (DEPLOY / "nginx" / name).read_text(encoding="utf-8")

    servers = re.findall(r"^    server (.+);$", text, flags=re.MULTILINE)

    assert servers
    assert [server for server in servers if "max_fails=0" not in server.split()] == []


def test_the_image_can_be_built_on_another_base() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()

    assert "FROM $BASE" in lines
    assert lines[lines.index("FROM $BASE") - 1].startswith("ARG BASE=docker.io/")


def test_every_service_waits_for_the_migrations() -> None:
    services = compose()["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "partner-engine"}

    waiting = {name for name, service in ours.items() if "upgrade" in service.get("depends_on", ())}

    assert waiting == set(ours) - {"upgrade"}
    assert services["upgrade"]["command"][2] == "upgrade"
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [name for name in mounted if name.startswith("./") and not name.endswith("certificates")]
    assert files
    assert [name for name in files if not (DEPLOY / name).exists()] == []


def test_nginx_passes_what_the_product_relies_on() -> None:
    text = (DEPLOY / "nginx" / "partner-engine.conf").read_text(encoding="utf-8")
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", text)

    assert int(megabytes) * 1024 * 1024 == MAX_REQUEST_BYTES
    for line in (
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $connection_upgrade;",
        "location = /metrics { deny all; }",
    ):
        assert line in text
    assert text.count("{") == text.count("}")


def test_the_roles_are_those_that_the_product_demands() -> None:
    text = (DEPLOY / "postgresql" / "roles.sql").read_text(encoding="utf-8")
    application, backup = text.split("-- For pg_dump alone")

    assert "BYPASSRLS" not in application
    assert "SUPERUSER" not in text
    assert "LOGIN BYPASSRLS" in backup
    assert "GRANT pg_read_all_data" in backup
    assert (DEPLOY / "postgresql" / "roles.sh").stat().st_mode & stat.S_IXUSR
