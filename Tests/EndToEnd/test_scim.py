"""SIMPEG delivers people by SCIM, with a client that others wrote: it reads our schemas and holds every answer against them."""

import json

import httpx2
import pytest
import requests
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SCIMException
from scim2_tester import Status, check_server

from harness import city
from harness.gateway import Gateway

OWN = "urn:gapura:scim:schemas:1.0:Pegawai"
# What discovery says is checked whole; of the rest the tester makes up people who cannot be: NIPs of random letters.
DISCOVERY = {"service_provider_config_endpoint", "query_all_resource_types", "query_resource_type_by_id",
             "access_invalid_resource_type", "query_all_schemas", "query_schema_by_id", "access_invalid_schema", "random_url"}  # fmt: skip


@pytest.fixture(scope="module")
def gateway():
    with Gateway(people=30) as running:
        yield running


@pytest.fixture(scope="module")
def scim(gateway):
    token = gateway.add_feed("simpeg")
    http = httpx2.Client(base_url=f"{gateway.issuer}/scim/v2", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    client = SyncSCIMClient(http)
    client.discover()
    return client


def test_what_it_says_of_itself_is_what_scim_wants(scim):
    results = {result.title: result for result in check_server(scim) if result.title in DISCOVERY}
    assert len(results) >= 5, sorted(results)
    assert all(result.status == Status.SUCCESS for result in results.values()), results


def test_a_person_comes_moves_and_leaves(gateway, scim):
    user_type = scim.get_resource_model("User")
    group_type = scim.get_resource_model("Group")
    extension = user_type.get_extension_model(OWN)
    groups = scim.query(group_type, query_parameters={"filter": f'displayName eq "{city.AGENCIES[3]}"'}).resources
    assert len(groups) == 1

    user = user_type(user_name="186501012019201099", display_name="Baru Sekali", external_id="S-1")
    user[extension] = extension(pns_id="SCIM1", nip="186501012019201099", status="01", unit_id="A2", post_id="J1", birth_date="01-01-1865")
    made = scim.create(user)
    assert made.id and made.active and made.external_id == "S-1"
    assert made.groups[0].display == city.AGENCIES[2]
    assert gateway.json("account", "show", "186501012019201099")["unit"] == city.AGENCIES[2]

    found = scim.query(user_type, query_parameters={"filter": 'externalId eq "S-1"', "attributes": ["userName"]})
    assert found.total_results == 1 and found.resources[0].user_name == "186501012019201099"

    made.title = "Kepala Seksi"
    assert scim.replace(made).title == "Kepala Seksi"

    move = PatchOp[group_type](operations=[PatchOperation(op="add", path="members", value=[{"value": made.id}])])
    scim.modify(group_type, groups[0].id, move)
    assert gateway.json("account", "show", "186501012019201099")["unit"] == city.AGENCIES[3]

    leave = PatchOp[user_type](operations=[PatchOperation(op="replace", path=f"{OWN}:status", value="88")])
    assert scim.modify(user_type, made.id, leave).active is False
    assert gateway.json("account", "show", "186501012019201099")["state"] == "nonaktif"

    with pytest.raises(SCIMException):
        scim.delete(user_type, made.id)
    loads = gateway.json("personnel", "loads")["loads"]
    assert [load["actor"] for load in loads[:4]] == ["client:simpeg"] * 4


def test_a_refusal_reaches_the_library_as_one(scim):
    user_type = scim.get_resource_model("User")
    extension = user_type.get_extension_model(OWN)
    user = user_type(user_name="123", display_name="Tidak Mungkin")
    user[extension] = extension(pns_id="SCIM2", nip="123", status="01")
    with pytest.raises(SCIMException) as error:
        scim.create(user)
    assert "18" in str(error.value) or "digit" in str(error.value)
