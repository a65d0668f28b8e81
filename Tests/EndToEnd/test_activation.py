"""First passwords: codes for one unit on a printed sheet, one of them typed, a password set, and in."""

import csv
import re
import stat
from datetime import date, timedelta

import pytest

from harness import city
from harness.browser import Browser
from harness.gateway import CommandFailed, Gateway

PASSWORD = "kuda baterai staples benar"


@pytest.fixture(scope="module")
def gateway():
    with Gateway(people=30) as running:
        yield running


def number_of(agency: int, people: int) -> int:
    """How many people of the small city work in an agency."""
    return sum(1 for index in range(people) if index % len(city.AGENCIES) == agency)


@pytest.fixture(scope="module")
def codes(gateway: Gateway) -> dict[str, str]:
    """Code by NIP, of the Dinas Kesehatan, as the gateway wrote them."""
    sheet, table = gateway.folder / "kode.html", gateway.folder / "kode.csv"
    result = gateway.json("account", "codes", "--unit", city.AGENCIES[2], "--sheet", str(sheet), "--csv", str(table))
    assert result["issued"] == number_of(2, gateway.people)
    for file in (sheet, table):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert all(row["url"] == f"{gateway.issuer}/akun/aktivasi" for row in rows)
    return {row["nip"].removeprefix("'"): row["code"] for row in rows}


def test_the_sheet_can_be_printed(gateway, codes):
    html = (gateway.folder / "kode.html").read_text()
    for number, code in codes.items():
        assert html.count(code) == 1, number
    assert city.AGENCIES[2] in html and city.AGENCIES[3] not in html
    with Browser() as browser:
        browser.open(f"file://{gateway.folder}/kode.html")
        assert "Jangan difoto" in browser.text
        browser.look("activation-sheet")


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_the_first_time(gateway, codes, size, script):
    index = [2, 7, 12, 17][(size == "phone") * 2 + (not script)]
    nip = city.nip(index)
    with Browser(size, script=script) as browser:
        browser.open(f"{gateway.issuer}/masuk")
        browser.look("sign-in-with-way-for-newcomers")
        browser.press('a[href="/akun/aktivasi"]')
        browser.look("activation")
        browser.type("#username", nip)
        browser.type("#code", "0000-0000-0000")
        browser.press("#activation-submit")
        assert "tidak sesuai" in browser.find("[role=alert]").text
        assert browser.find("#username").get_attribute("value") == nip
        assert browser.find("#code").get_attribute("value") == ""
        browser.look("activation-refused")
        browser.type("#code", codes[nip].lower().replace("-", " "))
        browser.press("#activation-submit")
        assert f"Orang Uji {index}" in browser.text
        browser.type("#new-password", PASSWORD)
        browser.type("#repeat-password", PASSWORD)
        browser.press("#password-submit")
        browser.press('a[href="/masuk"]')
        browser.type("#username", nip)
        browser.type("#password", PASSWORD)
        browser.press("#login-submit")
        assert browser.url == f"{gateway.issuer}/portal"
        # Once.
        browser.driver.delete_all_cookies()
        browser.open(f"{gateway.issuer}/akun/aktivasi?bahasa=en")
        assert browser.language == "en"
        browser.look("activation-english")
        browser.type("#username", nip)
        browser.type("#code", codes[nip])
        browser.press("#activation-submit")
        assert "not right" in browser.find("[role=alert]").text


def test_who_has_not_come_and_who_has(gateway, codes):
    before = gateway.json("account", "pending", "--unit", city.AGENCIES[2])
    assert before["pending"] + len(gateway.audit("account.password_set")) == len(codes)
    assert {line["code"] for line in before["people"]} == {"issued"}
    everybody = gateway.json("account", "pending", "--limit", "0")
    assert everybody["pending"] == len(everybody["people"])
    assert sum(agency["pending"] for agency in everybody["agencies"]) == everybody["pending"]
    # Again for one who lost the slip; the earlier code is dead.
    nip = city.nip(22)
    again = gateway.json("account", "codes", nip, "--again")
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-?){3}", again["codes"][0]["code"])
    assert again["codes"][0]["code"] != codes[nip]
    with pytest.raises(CommandFailed, match="exists"):
        gateway.run("account", "codes", "--all", "--csv", str(gateway.folder / "kode.csv"))


def test_a_vendors_engineer_is_warned_and_leaves_with_the_sponsor(gateway):
    sponsor = city.nip(1)
    until = (date.today() + timedelta(days=9)).isoformat()
    gateway.run(
        "account", "add", "--user-name", "vendor.tamu", "--name", "Tamu (PT Contoh)", "--sponsor", sponsor, "--ends-at", until)
    code = gateway.json("account", "codes", "vendor.tamu")["codes"][0]["code"]
    assert [line["user_name"] for line in gateway.json("account", "ending")["accounts"]] == ["vendor.tamu"]
    with Browser() as browser:
        browser.open(f"{gateway.issuer}/akun/aktivasi")
        browser.type("#username", "vendor.tamu")
        browser.type("#code", code)
        browser.press("#activation-submit")
        browser.type("#new-password", PASSWORD)
        browser.type("#repeat-password", PASSWORD)
        browser.press("#password-submit")
        browser.open(f"{gateway.issuer}/masuk")
        browser.type("#username", "vendor.tamu")
        browser.type("#password", PASSWORD)
        browser.press("#login-submit")
        assert "Orang Uji 1" in browser.find("#ending").text
        browser.look("portal-ending")
        gateway.run("account", "state", sponsor, "ditangguhkan")
        browser.open(f"{gateway.issuer}/portal")
        assert browser.url.startswith(f"{gateway.issuer}/masuk")
        gateway.run("account", "extend", "vendor.tamu", "--until", until, "--sponsor", city.nip(4))
        assert gateway.json("account", "show", "vendor.tamu")["state"] == "aktif"
