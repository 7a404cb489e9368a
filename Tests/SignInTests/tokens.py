"""Prints keys of joserfc, and tokens that it signed with them."""
import base64
import hashlib
import hmac
import json
import warnings

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

warnings.simplefilter("ignore")  # one key is too short on purpose
CLAIMS = {"sub": "alice", "text": "ü\u2028"}

rsa = RSAKey.generate_key(2048, {"kid": "rsa"})
small = RSAKey.generate_key(1024, {"kid": "small"}, auto_kid=False)
ec = ECKey.generate_key("P-256", {"kid": "ec"})
wide = ECKey.generate_key("P-384", {"kid": "wide"})
edwards = OKPKey.generate_key("Ed25519", {"kid": "edwards"})
every = ["RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "Ed25519"]


def sign(algorithm, key, kid):
    header = {"alg": algorithm, "kid": kid}
    return jws.serialize_compact(header, json.dumps(CLAIMS), key, algorithms=every)


def forged(algorithm, secret=None):
    """A token that no library would make."""
    parts = [json.dumps({"alg": algorithm, "kid": "rsa"}).encode(), json.dumps(CLAIMS).encode()]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.digest(secret, text, hashlib.sha256) if secret else b""
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


tokens = {
    "RS256": sign("RS256", rsa, "rsa"),
    "PS256": sign("PS256", rsa, "rsa"),
    "ES256": sign("ES256", ec, "ec"),
    "RS384": sign("RS384", rsa, "rsa"),
    "RS512": sign("RS512", rsa, "rsa"),
    "PS384": sign("PS384", rsa, "rsa"),
    "ES384": sign("ES384", wide, "wide"),
    "Ed25519": sign("Ed25519", edwards, "edwards"),
    # The classical confusion: the public key, which everybody has, as a secret that is shared.
    "HS256": forged("HS256", rsa.as_pem(private=False)),
    "none": forged("none"),
    "small": sign("RS256", small, "small"),
}
keys = [key.as_dict(private=False) for key in (rsa, small, ec, wide, edwards)]
print(json.dumps({"keys": keys, "tokens": tokens}))
