"""Which hashes do the real producers write? Prints `hashes.txt`: producer, version, scheme, password, hash, tab separated.

    python3 -m venv /tmp/hashes
    /tmp/hashes/bin/pip install passlib==1.7.4 bcrypt==4.3.0 argon2-cffi==25.1.0 'pwdlib[argon2,bcrypt]==0.3.0' \
        Django==5.2.19 Werkzeug==3.1.9
    apt-get install apache2-utils
    /tmp/hashes/bin/python generate.py > hashes.txt

Salts are random, so that no two runs print the same; the file is kept as it was. The first row of each producer and
scheme has that producer's own costs, the others low ones, so that the test which reads them all is quick.
"""

import logging
import subprocess
import warnings
from importlib.metadata import version

import argon2
import django.conf
import passlib.hash as passlib
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from werkzeug.security import generate_password_hash

PASSWORDS = ["correct horse", "pässwörd", "  two  spaces ", "0123456789" * 8, ""]


def row(producer: str, release: str, scheme: str, password: str, stored: str) -> None:
    print(producer, release, scheme, password, stored, sep="\t")


def each(producer: str, release: str, scheme: str, *hashers, passwords=PASSWORDS) -> None:
    """The first password with the first hasher, the others with the last."""
    for number, password in enumerate(passwords):
        hasher = hashers[0] if number == 0 else hashers[-1]
        row(producer, release, scheme, password, hasher(password))


def of_passlib() -> None:
    release = version("passlib")
    for ident in ["2a", "2b", "2y"]:
        bcrypt = passlib.bcrypt.using(ident=ident, truncate_error=False)
        each("passlib", release, "bcrypt", bcrypt.hash, bcrypt.using(rounds=5).hash)
    for revision in [1, 2]:
        sha256 = passlib.bcrypt_sha256.using(version=revision)
        each("passlib", release, "bcrypt-sha256", sha256.hash, sha256.using(rounds=5).hash)
    # Only then does passlib know that it has an Argon2.
    passlib.argon2.hash("")
    for kind, scheme in [("id", "argon2id"), ("i", "argon2i")]:
        each(
            "passlib", release, scheme,
            passlib.argon2.using(type=kind).hash, passlib.argon2.using(type=kind, memory_cost=256, rounds=1).hash,
        )
    for scheme, made, rounds in [
        ("pbkdf2-sha1", passlib.pbkdf2_sha1, 1000),
        ("pbkdf2-sha256", passlib.pbkdf2_sha256, 1000),
        ("pbkdf2-sha512", passlib.pbkdf2_sha512, 1000),
        ("sha256-crypt", passlib.sha256_crypt, 1500),
        ("sha512-crypt", passlib.sha512_crypt, 1500),
        ("scrypt", passlib.scrypt, 6),
    ]:
        each("passlib", release, scheme, made.hash, made.using(rounds=rounds).hash)
    for made, scheme in [(passlib.sha256_crypt, "sha256-crypt"), (passlib.sha512_crypt, "sha512-crypt")]:
        # As crypt(3) writes them: without their rounds.
        each("passlib", release, scheme, made.using(rounds=5000).hash)
        each("passlib", release, scheme, made.using(rounds=5000, salt_size=4).hash, passwords=PASSWORDS[:2])
    each("passlib", release, "apr1", passlib.apr_md5_crypt.hash)
    each("passlib", release, "md5-crypt", passlib.md5_crypt.hash)
    each("passlib", release, "sha1", passlib.ldap_sha1.hash)
    each("passlib", release, "salted-sha1", passlib.ldap_salted_sha1.hash)
    each("passlib", release, "salted-sha1", passlib.ldap_salted_sha1.using(salt_size=16).hash)


def of_argon2() -> None:
    release = version("argon2-cffi")
    cheap = {"time_cost": 1, "memory_cost": 256, "parallelism": 2}
    each("argon2-cffi", release, "argon2id", argon2.PasswordHasher().hash, argon2.PasswordHasher(**cheap).hash)
    for kind, scheme in [(argon2.Type.I, "argon2i"), (argon2.Type.ID, "argon2id")]:
        made = argon2.PasswordHasher(**cheap, type=kind, hash_len=16, salt_len=8)
        each("argon2-cffi", release, scheme, made.hash)
    # Before there were versions in it: 0x10.
    for password in PASSWORDS:
        stored = argon2.low_level.hash_secret(
            password.encode(), b"somesalt12345678", 2, 256, 1, 32, argon2.Type.I, version=0x10
        )
        row("argon2-cffi", release, "argon2i", password, stored.decode())


def of_pwdlib() -> None:
    release = version("pwdlib")
    each(
        "pwdlib", release, "argon2id",
        Argon2Hasher().hash, Argon2Hasher(time_cost=1, memory_cost=256).hash,
    )
    each("pwdlib", release, "bcrypt", BcryptHasher().hash, BcryptHasher(rounds=5).hash)


def of_django() -> None:
    release = version("Django")
    django.conf.settings.configure()
    from django.contrib.auth import hashers  # noqa: PLC0415 (it reads the settings)

    def cheap(base: type, **costs: int):
        made = type("Cheap", (base,), costs)()
        return lambda password: made.encode(password, made.salt())

    def usual(base: type):
        return cheap(base)

    for scheme, base, costs in [
        ("argon2id", hashers.Argon2PasswordHasher, {"time_cost": 1, "memory_cost": 256}),
        ("pbkdf2-sha256", hashers.PBKDF2PasswordHasher, {"iterations": 1000}),
        ("pbkdf2-sha1", hashers.PBKDF2SHA1PasswordHasher, {"iterations": 1000}),
        ("bcrypt-sha256", hashers.BCryptSHA256PasswordHasher, {"rounds": 5}),
        ("bcrypt", hashers.BCryptPasswordHasher, {"rounds": 5}),
        ("scrypt", hashers.ScryptPasswordHasher, {"work_factor": 2**6}),
    ]:
        each("Django", release, scheme, usual(base), cheap(base, **costs))


def of_werkzeug() -> None:
    release = version("Werkzeug")

    def made(method: str):
        return lambda password: generate_password_hash(password, method=method)

    each("Werkzeug", release, "scrypt", made("scrypt"), made("scrypt:1024:8:1"))
    each("Werkzeug", release, "pbkdf2-sha256", made("pbkdf2"), made("pbkdf2:sha256:1000"))
    each("Werkzeug", release, "pbkdf2-sha512", made("pbkdf2:sha512:1000"))
    each("Werkzeug", release, "pbkdf2-sha1", made("pbkdf2:sha1:1000"))


def of_htpasswd() -> None:
    package = ["dpkg-query", "--show", "--showformat=${Version}", "apache2-utils"]
    release = subprocess.run(package, check=True, capture_output=True, text=True).stdout

    def made(*options: str):
        def stored(password: str) -> str:
            command = ["htpasswd", "-n", "-i", *options, "ada"]
            done = subprocess.run(command, input=password + "\n", check=True, capture_output=True, text=True)
            return done.stdout.strip().removeprefix("ada:")

        return stored

    each("htpasswd", release, "apr1", made("-m"))
    each("htpasswd", release, "sha1", made("-s"))
    each("htpasswd", release, "bcrypt", made("-B"))
    each("htpasswd", release, "sha256-crypt", made("-2"))
    each("htpasswd", release, "sha512-crypt", made("-5"), made("-5", "-r", "1500"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # It looks for a version where bcrypt has none any more, and says so at length.
    logging.getLogger("passlib").setLevel(logging.ERROR)
    of_passlib()
    of_argon2()
    of_pwdlib()
    of_django()
    of_werkzeug()
    of_htpasswd()
