"""Bring a running Pi, or many, to a version over SSH; the version that works stays."""

from board.provision.outcome import ProvisionOutcome
from board.provision.provisioning import Options, provision
from board.provision.remote import Remote, Target

__all__ = ["Options", "ProvisionOutcome", "Remote", "Target", "provision"]
