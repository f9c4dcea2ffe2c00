from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from guard.targets.target import Fact
from tests.e2e.desk.conftest import Site, added
from tests.serving.desk.conftest import KEY
from tests.serving.desk.test_injection import PAYLOADS
from tests.serving.desk.test_observed import verdict

pytestmark = pytest.mark.e2e


def test_one_signs_in_by_the_keyboard_alone(site: Site) -> None:
    site.open("/ui/targets")
    assert site.driver.switch_to.active_element.get_attribute("id") == "key"
    site.driver.switch_to.active_element.send_keys("wrong" + Keys.ENTER)
    site.wait_for("This is no admin key")
    site.driver.switch_to.active_element.send_keys(KEY + Keys.ENTER)
    site.wait_for("Add a target")
    assert site.driver.current_url == f"{site.url}/ui/targets"


def test_one_signs_in_at_the_provider_of_another_site_and_goes_on_where_one_wanted(site: Site) -> None:
    site.driver.delete_all_cookies()
    site.open("/ui/verdicts")
    site.driver.find_element("link text", "Sign in with your organisation").click()
    # By way of the provider and back, without a click.
    site.wait_for("Follow new ones")
    assert site.driver.current_url == f"{site.url}/ui/verdicts"
    site.press("Sign out")
    site.wait_for("At the identity provider you may still be signed in")
    site.driver.delete_all_cookies()


def test_verdicts_are_followed_until_that_is_paused(signed_in: Site) -> None:
    site = signed_in
    site.open("/ui/verdicts")
    site.driver.find_element("link text", "Follow new ones").click()
    site.service.verdicts.add([verdict("ft_followed")])
    site.wait_for("ft_followed")
    site.driver.find_element("link text", "Pause").click()
    site.wait_for("Follow new ones")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(signed_in: Site) -> None:
    signed_in.find("body").send_keys(Keys.TAB)
    link = signed_in.driver.switch_to.active_element
    assert link.text == "Skip to the content"
    link.send_keys(Keys.ENTER)
    assert signed_in.driver.switch_to.active_element.get_attribute("id") == "main"


def test_a_target_is_previewed_stored_tried_and_revoked(signed_in: Site) -> None:
    site = signed_in
    site.open("/ui/targets/add")
    site.fill("#name", "Ada Quillfeather")
    site.fill("#answer-1", 'She wrote "The Glass Orchard" in Mothwick.')
    # Enter stores nothing either.
    site.find("#name").send_keys(Keys.ENTER)
    site.wait_for("Nothing is stored yet")
    site.press("Show what it would forbid")
    site.wait_for("The Glass Orchard")
    site.press("Store")
    site.wait_for("What is known of it")
    place = site.driver.current_url
    site.fill("#prompt", "Who wrote it?")
    site.press("Try")
    site.wait_for("I would rather talk about <b>orchards</b>.")
    site.wait_for("She wrote The <i>Glass</i> Orchard.")
    # The answer came into the page, which stayed.
    assert site.driver.current_url == place
    site.open_details("Revoke…")
    site.press("Revoke it")
    site.wait_for("This target is revoked")
    assert "Quillfeather" not in site.text()


def test_two_tabs_that_change_one_target_do_not_overwrite_each_other(signed_in: Site) -> None:
    site = signed_in
    place = f"/ui/targets/{added(site, 'Bo Quill')}"
    site.open(place)
    site.press("Reveal its texts")
    site.wait_for("Bo Quill")
    site.open(f"{place}/edit")
    first = site.driver.current_window_handle
    site.driver.switch_to.new_window("tab")
    site.open(f"{place}/edit")
    site.fill("#basis", "Article 17")
    site.press("Store")
    site.wait_for("revision 2")
    site.driver.close()
    site.driver.switch_to.window(first)
    site.fill("#basis", "Contract")
    site.press("Store")
    site.wait_for("Somebody has changed this target meanwhile")
    site.wait_for("Stored now: Article 17")
    assert site.find("#basis").get_attribute("value") == "Contract"
    site.press("Store over what is there now")
    site.wait_for("revision 3")


def test_several_are_found_revealed_and_revoked(signed_in: Site) -> None:
    site = signed_in
    for name in ("Cy Vell", "Dee Vell"):
        added(site, name)
    site.open("/ui/targets")
    site.fill("#q", "vell")
    site.press("Find")
    site.wait_for("characters)")
    site.press("Reveal the names on this page")
    site.wait_for("Dee Vell")
    for box in site.driver.find_elements("css selector", "tbody input[type=checkbox]"):
        box.click()
    site.press("Revoke the chosen ones…")
    site.wait_for("These 2 targets")
    site.press("Revoke them")
    site.wait_for("No target is like this")


def test_a_spreadsheet_is_imported_and_the_list_exported(signed_in: Site, tmp_path: Any) -> None:
    site = signed_in
    file = tmp_path / "list.csv"
    file.write_text("Person;Ref\nEli Marsh;T-1\nx;T-2\n", encoding="utf-8")
    site.open("/ui/import")
    site.find("#file").send_keys(str(file))
    site.press("Look through it")
    site.wait_for("no column is called name")
    site.find("#column-0 option[value=name]").click()
    site.find("#column-1 option[value=external_ref]").click()
    site.press("Read again with these columns")
    site.wait_for("can be stored: 1. Faulty rows: 1.")
    site.find("input[name=sound]").click()
    site.press("Store one target")
    site.wait_for("Targets stored: 1.")
    site.open("/ui/targets")
    site.open_details("Export…")
    site.press("Export all active targets")
    assert site.driver.current_url == f"{site.url}/ui/targets"


def test_no_payload_in_a_target_runs_as_a_script(signed_in: Site) -> None:
    site = signed_in
    lines = tuple(f"Fay {payload}" for payload in PAYLOADS)
    facts = tuple(Fact(question=line, answer=line) for line in lines[:40])
    id = added(site, lines[0], aliases=lines, exceptions=lines, facts=facts, basis=PAYLOADS[1])
    site.open(f"/ui/targets/{id}")
    site.press("Reveal its texts")
    site.wait_for("<script>")
    for path in ("/ui/targets", f"/ui/targets/{id}", f"/ui/targets/{id}/edit", f"/ui/targets/{id}/elicitation"):
        site.open(path)
        # An open alert would make this fail.
        assert site.driver.execute_script("return document.querySelectorAll('main script, main img').length") == 0
    site.service.registry.revoke(id)
