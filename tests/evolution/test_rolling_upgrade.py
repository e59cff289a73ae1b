"""From release N to N+1 and N+2 under load, worker by worker: nothing stops, nothing is lost.

One story on a broker of its own, told in the order in which an operator lives it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.records import UpgradeStep
from streams.forms import FORMS
from streams.upgrade.finish import UpgradeRefusedError, finish
from streams.verify.cluster import verify_cluster
from tests.evolution.company import Company, staffed
from tests.evolution.releases import AFTER_NEXT, NEXT
from tests.pipeline.installation import installed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

OWN = FORMS.newest.number


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with installed(tmp_path) as installation, staffed(installation) as company:
        yield company


def said_to_the_end(load: subprocess.Popen[str]) -> None:
    told, _ = load.communicate()
    assert load.returncode == 0, told


def test_a_rolling_upgrade_under_load_loses_nothing_and_ends_the_way_back(company: Company) -> None:
    installation = company.installation
    company.start("one", "current")
    company.start("two", "current")
    before = company.load(seed=1, payments=700)
    company.wait(lambda: company.forms_written()[OWN] > 50, "states of the current form")

    company.replace("one", "next")
    with pytest.raises(UpgradeRefusedError, match=rf"two on .* \(paystate {FORMS.release}, reads up to form {OWN}\)"):
        finish(installation.client, company.group, 1, NEXT, "kim")
    company.replace("two", "next")
    company.replace("one", "current")  # second thoughts: until it is finished, the way back is open
    company.replace("one", "next")
    assert company.standing(NEXT).obstacles == ()
    assert company.forms_written().keys() == {OWN}

    said_to_the_end(before)  # the next one fences it: they share a transactional id
    after = company.load(seed=2, payments=400)
    assert finish(installation.client, company.group, 1, NEXT, "kim").form == OWN + 1
    company.wait(lambda: company.forms_written()[OWN + 1] > 50, "states of the next form, without a restart")
    status, said = company.refused("three", "current")
    said = " ".join(said.split())
    assert status == 78, said
    assert f"the state is in form {OWN + 1} since 98.0.0 finished its upgrade (by kim at " in said
    assert f"this paystate, {FORMS.release}, reads up to form {OWN}. Start paystate 98.0.0 or a later one" in said

    company.replace("one", "after-next")
    company.replace("two", "after-next")
    said_to_the_end(after)
    installation.rest()
    written = company.forms_written()
    assert written.keys() == {OWN, OWN + 1}
    report = verify_cluster(installation.client, installation.settings, AFTER_NEXT)
    assert (report.findings, report.lag, report.ok) == ([], 0, True)
    assert report.payments > 700
    decision = company.standing(AFTER_NEXT).decision
    assert decision is not None
    assert (decision.form, decision.step, decision.actor) == (OWN + 1, UpgradeStep.IN_FORCE, "kim")
