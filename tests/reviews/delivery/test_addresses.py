"""Where a webhook may not go: looked at in the URL, and again in every address a name stands for."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from governance.refusals import Invalid
from reviews.delivery import line
from reviews.delivery.addresses import Unreachable, check_url, may_reach, origin_of, reach
from reviews.delivery.line import Line
from tests.reviews.delivery.receiver import receiver

HOSTS_THAT_ARE_NOBODYS_SERVER = [
    "127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "10.1.2.3",
    "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.8", "192.0.2.9", "192.88.99.1",
    "198.19.0.1", "203.0.113.7", "224.0.0.251", "240.0.0.1", "255.255.255.255", "[::]", "[::1]",
    "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]",
    "[2001:db8::1]", "[2002:7f00:1::]", "[3fff::1]", "[5f00::1]", "[fc00::1]", "[fd12:3456::1]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fec0::1]", "[ff05::2]", "localhost", "localhost.", "a.localhost", "db", "printer.local",
    "metadata.google.internal", "x.svc", "x.home.arpa", "exa mple.com",
    "exam\u200bple.com", "\uff11\uff12\uff17.0.0.1", "127\u30020.0.1",
    "example.com:22", "example.com:6379", "example.com:80", "example.com:0", "example.com:99999", "",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS_THAT_ARE_NOBODYS_SERVER)
def test_an_inner_address_is_refused_however_it_is_written(host):
    with pytest.raises(Invalid):
        check_url(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "//example.com/",
        "https://me:secret@example.com/", "https://example.com@10.0.0.1/", "https://example.com\\@10.0.0.1/",
        "https://example.com/#part", "https://example.com/\r\nhost: x", "https://" + "a" * 500 + ".com/", "example.com",
    ],
)  # fmt: skip
def test_a_url_with_a_trick_in_it_is_refused(url):
    with pytest.raises(Invalid):
        check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook?x=1", "https://api.example.co.uk:8443/", "https://8.8.8.8/", "https://[2606:4700::1]/"],
)
def test_a_public_address_is_taken_as_it_is(url):
    assert check_url(url, allow_private=False) == url


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "224.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_not_even_a_laptop_sends_to_metadata_multicast_or_nowhere(host):
    with pytest.raises(Invalid):
        check_url(f"http://{host}:8080/", allow_private=True)


def test_a_laptop_may_send_to_itself():
    assert check_url("http://127.0.0.1:8080/", allow_private=True)


@given(st.ip_addresses())
def test_what_may_be_reached_is_never_wider_than_what_the_library_calls_global(address):
    if may_reach(address, allow_private=False):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "0.0.0.0", "127.1", "2130706433", "0x7f.1"])
def test_a_name_that_leads_inside_is_found_out_when_the_connection_is_made(host):
    with pytest.raises(Unreachable):
        reach(host, 443, allow_private=False)


def test_one_inner_address_among_public_ones_is_enough_to_refuse_a_name(monkeypatch):
    def two_faced(host, port, **_):
        return [(2, 1, 6, "", (address, port)) for address in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two_faced)
    with pytest.raises(Unreachable):
        reach("example.com", 443, allow_private=False)


def test_the_address_connected_to_is_the_one_that_was_judged(monkeypatch):
    """A name server that changes its answer between two questions is asked only once."""
    with receiver() as producer:
        port = int(producer.url.split(":")[2].split("/")[0])
        asked = []
        real = socket.getaddrinfo

        def rebinding(host, *args, **named):
            if host == "producer.example.com":
                asked.append(host)
                host = "127.0.0.1" if len(asked) == 1 else "10.255.255.1"
            return real(host, *args, **named)

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        answer = Line(allow_private=True).post(f"http://producer.example.com:{port}/hook", headers={}, body=b"{}")
        assert answer.status == 204
        assert asked == ["producer.example.com"]
        assert producer.received[0].headers["host"] == f"producer.example.com:{port}"


def test_a_message_for_an_inner_address_never_leaves_and_the_answer_names_no_address(monkeypatch):
    with receiver() as producer:
        answer = Line(allow_private=False).post(producer.url, headers={}, body=b"{}")
        assert producer.received == []
    assert answer.status is None
    assert "127.0.0.1" not in answer.problem


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with receiver() as proxy, receiver() as producer:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert Line(allow_private=True).post(producer.url, headers={}, body=b"{}").status == 204
        assert proxy.received == []


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(("name", "status"), [("localhost", 204), ("somebody-else.example", None)])
def test_a_message_goes_only_to_a_server_that_proves_its_name(name, status, tmp_path, monkeypatch):
    trusting = ssl.create_default_context()
    with receiver(certificate(tmp_path, name)) as producer:
        url = producer.url.replace("127.0.0.1", "localhost")
        assert Line(allow_private=True).post(url, headers={}, body=b"{}").status is None  # nobody trusts its issuer
        trusting.load_verify_locations(tmp_path / "cert.pem")
        monkeypatch.setattr(line, "_tls", lambda: trusting)
        assert Line(allow_private=True).post(url, headers={}, body=b"{}").status == status


def test_urls_of_one_server_have_one_origin():
    assert origin_of("https://Example.com/a") == origin_of("https://example.com:443/b") == "https://example.com:443"
    assert origin_of("https://example.com") != origin_of("https://example.com:8443")
    assert origin_of("https://[2606:4700::1]/") == "https://[2606:4700::1]:443"
