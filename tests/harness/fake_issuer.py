"""An OpenID Connect issuer on a free port of this machine: it signs what a test tells it to sign."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jwt import JWT

from partner_engine.company_issuer import set_secret
from tenants.models import CompanySignIn, Tenant


class FakeIssuer:
    """The issuer. ``claims`` replace those of the next token, ``description`` parts of its own description."""

    def __init__(self, address: str) -> None:
        self.issuer = address
        self.key = _key()
        self.reset()

    def reset(self) -> None:
        """Vouch for the owner of the cast, and forget what was posted."""
        self.signer, self.alg = self.key, "RS256"
        self.claims: dict[str, Any] = {"email": "owner@harbor.example"}
        self.description: dict[str, Any] = {}
        self.left_out: tuple[str, ...] = ()
        self.posted: list[dict[str, str]] = []
        self.asked: dict[str, str] = {}
        #: The valid refresh token, "" while the issuer gives none; the posted ones; how it refuses them, if it does.
        self.refresh_token = ""
        self.renewals: list[str] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None

    def sign_in_of(self, tenant: Tenant) -> CompanySignIn:
        """Let users of ``tenant`` with addresses of the cast sign in here."""
        row = CompanySignIn(
            tenant=tenant, issuer=self.issuer, client_id="engine", mail_domains=["harbor.example"], is_enabled=True
        )
        set_secret(row, "the-secret")
        row.save()
        return row

    def visit(self, address: str) -> str:
        """Return the query with which the browser comes back from ``address``."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return f"code=the-code&state={self.asked['state']}"

    def get(self, path: str) -> Any:
        """Return the JSON at ``path``."""
        if path == "/keys":
            keys = JWKSet()
            keys.add(self.key)
            return json.loads(keys.export(private_keys=False))
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.description,
        }

    def renew(self, form: dict[str, str]) -> tuple[int, Any]:
        """Return status and content for a posted refresh token; each is valid once."""
        self.renewals.append(form["refresh_token"])
        if self.refusal is not None:
            return self.refusal
        if form["refresh_token"] != self.refresh_token:
            return 400, {"error": "invalid_grant"}
        self.refresh_token += "+"
        return 200, {"access_token": "x", "token_type": "Bearer", **self._tokens({"sub": "1"})}

    def exchange(self, form: dict[str, str]) -> Any:
        """Return the token for the posted code, None for a wrong verifier."""
        self.posted.append(form)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if challenge.decode() != self.asked["code_challenge"]:
            return None
        tokens = self._tokens({"sub": "1", "nonce": self.asked["nonce"], "email_verified": True})
        return {"access_token": "x", "token_type": "Bearer", **tokens}

    def _tokens(self, own: dict[str, Any]) -> dict[str, str]:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": self.asked["client_id"], "iat": now, "exp": now + 60, **own, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if name not in self.left_out}
        token = JWT(header={"alg": self.alg, "kid": "one"}, claims=claims)
        token.make_signed_token(self.signer)
        given = {"refresh_token": self.refresh_token} if self.refresh_token else {}
        return {"id_token": token.serialize(), **given}


@contextmanager
def running_issuer() -> Iterator[FakeIssuer]:
    """Run an issuer for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(issuer.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if form["grant_type"] == "refresh_token":
                status, content = issuer.renew(form)
                return self._send(content, status)
            return self._send(issuer.exchange(form))

        def _send(self, content: Any, status: int = 200) -> None:
            self.send_response(status if content is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = FakeIssuer(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()


@cache
def _key() -> JWK:
    """Return the issuers' key, once in this process: making one takes longer than most tests."""
    return JWK.generate(kty="RSA", size=2048, kid="one")
