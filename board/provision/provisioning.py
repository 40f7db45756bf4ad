"""Provision one device: ask, plan, copy, install, wait; always with a way back."""

import logging
import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from board.bundle import Release
from board.device import Kit
from board.errors import BoardError
from board.provision.facts import Facts, ask
from board.provision.outcome import ProvisionOutcome, State
from board.provision.plan import ProvisionPlan, make_plan
from board.provision.remote import Remote, Target, UnreachableError, connection
from firmware_py.errors import TriggerWordError

log = logging.getLogger(__name__)

STATES: dict[str, State] = {
    "kept": "not-ready",
    "rolled-back": "rolled-back",
    "failed": "failed",
    "restart": "restart",
}
WAIT_SECONDS = 20
"""How long one question for the result may take; shorter than what firewalls cut off."""
BUSY_SECONDS = 900
"""How long an installation that another run began is waited for."""

KitFor = Callable[[Release, Path | None], Kit]
"""Returns what to install on a release, for a device with its own settings or none."""


@dataclass(frozen=True)
class Options:
    """How all devices are provisioned."""

    dry_run: bool = False
    password: str = ""
    identity: Path | None = None
    ready_seconds: int = 90
    """How long the service may take until it listens."""
    restart: bool = False
    """Restart the device where its audio hardware needs it."""


def provision(target: Target, kit_for: KitFor, options: Options) -> ProvisionOutcome:
    """Bring a device to what the kit says; never raises, the outcome tells."""
    try:
        with connection(target, options.password, options.identity) as remote:
            return _provision(remote, kit_for, options)
    except UnreachableError as error:
        return ProvisionOutcome(target.address, "unreachable", message=_after_colon(target, error))
    except (TriggerWordError, OSError) as error:
        return ProvisionOutcome(target.address, "failed", message=_after_colon(target, error))


def _provision(remote: Remote, kit_for: KitFor, options: Options) -> ProvisionOutcome:
    address = remote.target.address
    facts = ask(remote)
    plan = make_plan(kit_for(facts.release, remote.target.settings), facts)
    if not plan.steps:
        return ProvisionOutcome(address, "unchanged", facts.version, facts.version, "as asked")
    if options.dry_run:
        return ProvisionOutcome(address, "planned", facts.version, facts.version, steps=plan.steps)
    for step in plan.steps:
        log.info("%s: %s", address, step)
    _copy(remote, plan, facts)
    outcome = _install(remote, plan, facts, options)
    if outcome.state == "restart" and options.restart:
        remote.run_as_root("nohup sh -c 'sleep 2; systemctl reboot' >/dev/null 2>&1 &")
    return outcome


def _copy(remote: Remote, plan: ProvisionPlan, facts: Facts) -> None:
    """Bring the stage to the plan's content; files that are there already are not sent again."""
    stage = shlex.quote(facts.stage)
    if plan.to_remove:
        remote.run(f"cd {stage} && rm -f -- " + " ".join(map(shlex.quote, plan.to_remove)))
    if plan.to_send:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for name in plan.to_send:
                content, place = plan.content[name], folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, Path):
                    place.symlink_to(content.resolve())
                else:
                    place.write_bytes(content)
            remote.send(folder, plan.to_send, stage)
    sums = "".join(f"{digest}  {name}\n" for name, digest in plan.digests.items())
    checked = remote.run(f"cd {stage} && sha256sum --check --quiet -", sums.encode())
    if checked.code:
        raise BoardError(f"{remote.target.address}: files arrived damaged; run the command again")


def _install(
    remote: Remote, plan: ProvisionPlan, facts: Facts, options: Options
) -> ProvisionOutcome:
    script = f"sh {shlex.quote(facts.stage + '/upgrade.sh')}"
    start = f"{script} start {shlex.quote(facts.stage)} {options.ready_seconds}"
    end = time.monotonic() + BUSY_SECONDS
    while (began := remote.run_as_root(start)).output.strip() == "busy":
        if time.monotonic() > end:
            raise BoardError(
                f"{remote.target.address}: another installation does not end; restart the device"
            )
        log.info("%s: an earlier installation is still under way", remote.target.address)
        remote.run_as_root(f"{script} wait {WAIT_SECONDS}")
    if began.code:
        raise BoardError(f"{remote.target.address}: {began.errors.strip() or 'it did not begin'}")
    said = ""
    while not said:
        said = remote.run_as_root(f"{script} wait {WAIT_SECONDS}").output.strip()
    state, version, reason = (*said.split(" ", 2), "", "")[:3]
    done: State = STATES.get(state) or ("upgraded" if facts.version else "installed")
    after = "" if version == "none" else version
    if done not in ("failed", "rolled-back"):
        remote.run(f"rm -rf {shlex.quote(facts.stage)}")
    return ProvisionOutcome(remote.target.address, done, facts.version, after, reason, plan.steps)


def _after_colon(target: Target, error: Exception) -> str:
    return str(error).removeprefix(f"{target.address}: ")
