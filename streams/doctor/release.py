"""Checks of an upgrade: which form is in force, who writes it, and what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.records import Upgrade, UpgradeStep
from streams.doctor.finding import Finding, fail, ok, warn
from streams.upgrade.decisions import form_in_force
from streams.upgrade.finish import Standing

_STATUS = "`paystate upgrade status` tells what is left to do"


def form(found: Standing) -> Finding:
    """The form in force, as seen from this release."""
    decision, forms = found.decision, found.forms
    if decision is None:
        return ok("form", "no worker has run in this generation yet: the first one decides it")
    own, number = forms.newest.number, form_in_force(decision)
    told = f"form {number} is in force and written by all workers ({_told(decision)})"
    if decision.form > own:
        advice = f"use paystate {decision.release} or a later one: there is no way back"
        return fail("form", f"{told}; this paystate, {forms.release}, reads up to form {own}", advice)
    if decision.step is UpgradeStep.FINISHING:
        advice = f"if nobody is at it, run `paystate upgrade finish` of {decision.release} again"
        return warn("form", f"{told}; the upgrade to form {decision.form} is being finished", advice)
    releases = sorted({member.release or "of no release that says so" for member in found.members})
    if len(releases) > 1:
        who = ", ".join(map(str, found.members))
        return warn("form", f"{told}; workers are of several releases: {who}", f"an upgrade is under way: {_STATUS}")
    if number < own:
        return warn("form", f"{told}; {forms.release} can write form {own}", f"an upgrade is not finished: {_STATUS}")
    return ok("form", f"{told}" + (f"; workers are of {releases[0]}" if releases else ""))


def _told(decision: Upgrade) -> str:
    return f"{decision.release}, {decision.actor}, {datetime.fromtimestamp(decision.at / 1e6, UTC):%Y-%m-%d %H:%M:%S}Z"
