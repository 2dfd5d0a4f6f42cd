# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stand-in's own certificates: a private CA, a good certificate for each host, and several that no client may accept."""

import datetime
import os
import ssl
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
# kind: (signed by, for the host or another, first and last day from now, newest TLS)
KINDS = {
    "good": ("ca", None, -1, 30, None),
    "self-signed": (None, None, -1, 30, None),
    "stranger": ("stranger", None, -1, 30, None),
    "expired": ("ca", None, -10, -1, None),
    "future": ("ca", None, 1, 30, None),
    "wrong-host": ("ca", "other.lab", -1, 30, None),
    "tls1.0": ("ca", None, -1, 30, ssl.TLSVersion.TLSv1),
    "tls1.1": ("ca", None, -1, 30, ssl.TLSVersion.TLSv1_1),
}


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, first, last, host=None, ca=False):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now + first * DAY).not_valid_after(now + last * DAY)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem_of(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(data)


def make_application_certificate(subject="pam_sspr", days=180, bits=2048, first=-1):
    """Certificate and key as an administrator makes them for an application: (certificate PEM, key PEM)."""
    key = rsa.generate_private_key(65537, bits)
    return pem_of(certificate(subject, key, subject, key, first, days)), key_pem(key)


class Certificates:
    """Certificates below a folder; made when they are needed, kept for the next time."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.authority("ca")
        os.chmod(f"{folder}/ca.pem", 0o644)

    @property
    def ca(self):
        return f"{self.folder}/ca.pem"

    def authority(self, which):
        """Name and key of an authority."""
        path = f"{self.folder}/{which}"
        if not os.path.exists(f"{path}.pem"):
            key = ec.generate_private_key(ec.SECP256R1())
            write(f"{path}.key", key_pem(key))
            write(f"{path}.pem", pem_of(certificate(f"stand-in {which}", key, f"stand-in {which}", key, -20, 365, ca=True)))
        with open(f"{path}.key", "rb") as f:
            return f"stand-in {which}", serialization.load_pem_private_key(f.read(), None)

    def files(self, host, kind):
        by, other, first, last, _ = KINDS[kind]
        path = f"{self.folder}/{host}-{kind}"
        if not os.path.exists(f"{path}.pem"):
            key = ec.generate_private_key(ec.SECP256R1())
            issuer, issuer_key = self.authority(by) if by else (host, key)
            write(f"{path}.key", key_pem(key))
            write(f"{path}.pem", pem_of(certificate(host, key, issuer, issuer_key, first, last, host=other or host)))
        return f"{path}.pem", f"{path}.key"

    def context(self, host, kind="good"):
        """What a listener needs to speak TLS as this host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        newest = KINDS[kind][4]
        if newest:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(*self.files(host, kind))
        return context
