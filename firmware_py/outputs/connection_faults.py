"""Why a server cannot be reached, in words for a person."""

import socket
import ssl
from typing import Any

LOOK_SECONDS = 3.0
SELF_SIGNED, UNKNOWN_ISSUERS = 18, (19, 20, 21)
NAME_MISMATCHES = (62, 64)
"""X509_V_ERR_... of OpenSSL: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""


def why_not(error: BaseException | None, host: str, port: int) -> str:
    """Return why there is no connection to `host`; asks it for its certificate, if that is why."""
    where = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(error, host, port)
    if isinstance(error, ssl.SSLError | ConnectionResetError):
        return _tls_fault(error, where)
    if isinstance(error, socket.gaierror):
        return f"nothing is known of a host named {host!r} ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {where}"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer"
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{where} cannot be reached: {reason}"


def _tls_fault(error: Exception, where: str) -> str:
    reason = str(getattr(error, "reason", None) or error)
    if "ALERT" in reason:
        return f"{where} refuses our TLS ({reason}); does it want a certificate_file?"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError) or "VERSION" in reason:
        return f"{where} does not answer in TLS; is it a plain port? ({reason})"
    return f"{where}: TLS fails: {reason}"


def _certificate_fault(error: ssl.SSLCertVerificationError, host: str, port: int) -> str:
    subject, issuer, names = _presented(host, port)
    whose = f"the certificate of {host}:{port} ({subject}, issued by {issuer})"
    if error.verify_code in NAME_MISMATCHES:
        mismatch = error.verify_message.rstrip(".")
        return (
            f"{whose} is for {', '.join(names) or 'no name'} ({mismatch}); use that name as host,"
            " or set certificate_name to it if this is the right server"
        )
    if error.verify_code == SELF_SIGNED:
        return f"{whose} is self-signed; name it in ca_file if you trust it"
    if error.verify_code in UNKNOWN_ISSUERS:
        return f"{whose} is of an authority that is not trusted; name the authority's in ca_file"
    return f"{whose} is refused: {error.verify_message}; is the clock right?"


def _presented(host: str, port: int) -> tuple[str, str, list[str]]:
    """Return subject, issuer and names of a server's certificate, which is trusted for that."""
    try:
        pem = ssl.get_server_certificate((host, port), timeout=LOOK_SECONDS)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=pem)
        with (
            socket.create_connection((host, port), LOOK_SECONDS) as plain,
            context.wrap_socket(plain) as connection,
        ):
            found = connection.getpeercert() or {}
    except (OSError, ValueError):
        return "unknown", "unknown", []
    alternatives: Any = found.get("subjectAltName", ())
    names = [str(name) for _, name in alternatives]
    return _common_name(found.get("subject")), _common_name(found.get("issuer")), names


def _common_name(parts: object) -> str:
    """Return the common name in a name as `getpeercert` gives it: tuples of pairs."""
    pairs = dict(pair for part in parts for pair in part) if isinstance(parts, tuple) else {}
    return repr(pairs.get("commonName", "no name"))
