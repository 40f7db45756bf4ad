"""SHA-256 without OpenSSL where Python brings its own."""

try:
    from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # before Python 3.12
    # Brings OpenSSL along, which takes 4 MB; `random` of the standard library avoids it likewise.
    from hashlib import sha256

__all__ = ["sha256"]
