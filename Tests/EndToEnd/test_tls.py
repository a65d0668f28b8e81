"""TLS as the outside sees it: behaviour 78, attack 292."""

import socket
import ssl

import pytest
import requests

from harness.gateway import Gateway


@pytest.fixture(scope="module")
def secure(authority):
    with Gateway(authority, people=2) as running:
        yield running


def handshake(gateway: Gateway, version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> tuple[str, str, int]:
    """The cipher that one version of TLS ends in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(gateway.ca_file)
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("localhost", gateway.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as line:
            return line.cipher()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_behaviour_78_attack_292_old_versions_are_off(secure, version):
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(secure, version)


def test_behaviour_78_tls_1_3_and_1_2_work_and_1_3_is_preferred(secure):
    assert handshake(secure, ssl.TLSVersion.TLSv1_3)[1] == "TLSv1.3"
    assert handshake(secure, ssl.TLSVersion.TLSv1_2)[1] == "TLSv1.2"
    answer = requests.get(f"{secure.issuer}/livez", verify=secure.ca_file, timeout=10)
    assert answer.status_code == 200 and answer.headers["Date"]


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "DES-CBC3-SHA", "RC4-SHA", "aNULL", "eNULL"])
def test_behaviour_78_attack_292_only_forward_secret_aead_ciphers(secure, ciphers):
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(secure, ssl.TLSVersion.TLSv1_2, f"{ciphers}:@SECLEVEL=0")


@pytest.mark.parametrize("ciphers", ["ECDHE+AESGCM", "ECDHE+CHACHA20"])
def test_behaviour_78_the_recommended_ciphers_of_1_2_are_there(secure, ciphers):
    name, version, _ = handshake(secure, ssl.TLSVersion.TLSv1_2, ciphers)
    assert version == "TLSv1.2" and name.startswith("ECDHE-")
