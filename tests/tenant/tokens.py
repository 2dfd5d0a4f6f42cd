# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON web tokens: those the service signs, and the assertions by which applications prove who they are."""

import base64
import functools
import hashlib
import hmac
import json
import os

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Invalid(Exception):
    """A token that is not good; the text says why."""


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as e:
        raise Invalid("not base64url") from e


def dump(thing):
    return encode(json.dumps(thing, separators=(",", ":")).encode())


def split(token):
    """Header, claims, what was signed, signature."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Invalid("not three parts")
    try:
        header, claims = (json.loads(decode(part)) for part in parts[:2])
    except ValueError as e:
        raise Invalid("not JSON") from e
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Invalid("no objects")
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), decode(parts[2])


def number(n):
    return encode(n.to_bytes((n.bit_length() + 7) // 8, "big"))


@functools.lru_cache
def load_key(pem):
    """A private key; loading checks it, which takes its time."""
    return serialization.load_pem_private_key(pem, None)


class Signer:
    """An RSA key that signs with RS256, kept in a file."""

    def __init__(self, path):
        if not os.path.exists(path):
            key = rsa.generate_private_key(65537, 2048)
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(pem)
        with open(path, "rb") as f:
            self.key = load_key(f.read())
        self.public = self.key.public_key()
        spki = self.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = encode(hashlib.sha1(spki).digest())

    def jwk(self):
        n = self.public.public_numbers()
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid, "n": number(n.n), "e": number(n.e)}

    def header(self):
        return {"typ": "JWT", "alg": "RS256", "kid": self.kid}

    def sign(self, claims, header=None):
        signed = f"{dump(header or self.header())}.{dump(claims)}"
        return f"{signed}.{encode(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def sign_hs256(self, claims, header):
        """The old confusion: an HMAC with the public key as secret."""
        secret = self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = f"{dump(header)}.{dump(claims)}"
        return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def verify(self, token):
        """The claims of a token this key has signed."""
        header, claims, signed, signature = split(token)
        if header.get("alg") != "RS256" or header.get("kid") != self.kid:
            raise Invalid("not signed by this service")
        try:
            self.public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as e:
            raise Invalid("signature is wrong") from e
        return claims


# -- assertions of applications


def thumbprints(certificate):
    der = certificate.public_bytes(serialization.Encoding.DER)
    return encode(hashlib.sha256(der).digest()), encode(hashlib.sha1(der).digest())


def find_certificate(pems, header):
    """The registered certificate an assertion's header points to, by SHA-256 or, the older form, SHA-1; or None."""
    sha256, sha1 = header.get("x5t#S256"), header.get("x5t")
    for pem in pems:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        if sha256 == thumbprints(certificate)[0] or sha256 is None and sha1 == thumbprints(certificate)[1]:
            return certificate
    return None


def signed_by(certificate, header, signed, signature):
    """Whether the certificate's key made the signature; PSS with a salt as long as the hash, as RFC 7518 wants it."""
    sha256 = hashes.SHA256()
    kinds = {"PS256": padding.PSS(padding.MGF1(sha256), sha256.digest_size), "RS256": padding.PKCS1v15()}
    try:
        certificate.public_key().verify(signature, signed, kinds[header["alg"]], sha256)
    except InvalidSignature:
        return False
    return True


def make_assertion(certificate_pem, key_pem, claims, alg="PS256", **header):
    """An assertion as an application makes it; for tests."""
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    key = load_key(key_pem.encode())
    sha256 = hashes.SHA256()
    kind = padding.PSS(padding.MGF1(sha256), sha256.digest_size) if alg == "PS256" else padding.PKCS1v15()
    header = {"alg": alg, "typ": "JWT", "x5t#S256": thumbprints(certificate)[0], **header}
    signed = f"{dump({k: v for k, v in header.items() if v is not None})}.{dump(claims)}"
    return f"{signed}.{encode(key.sign(signed.encode(), kind, sha256))}"
