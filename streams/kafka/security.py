"""
How a client proves itself to the brokers, and the brokers to it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aiokafka.helpers import create_ssl_context

from streams.errors import BadSetting


@dataclass(frozen=True)
class Security:
    """
    TLS and SASL, as Kafka names them; no secret is ever in its `repr`.

    >>> Security("SASL_SSL", username="ann", password="secret")
    Security(protocol='SASL_SSL', mechanism='SCRAM-SHA-512', username='ann', ca_file=None)
    """

    protocol: str = "PLAINTEXT"
    """`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."""
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Who signs the brokers' certificates; the system's list where left out."""
    certificate_file: Path | None = field(default=None, repr=False)
    """For brokers that want one of the client."""
    key_file: Path | None = field(default=None, repr=False)
    key_password: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        """Does it use TLS?"""
        return self.protocol.endswith("SSL")

    @property
    def authenticated(self) -> bool:
        """Does it use SASL?"""
        return self.protocol.startswith("SASL")

    def options(self) -> dict[str, Any]:
        """
        What every aiokafka client is made with.

        Raises:
            BadSetting: A file of certificates or keys cannot be used.
        """
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.encrypted:
            options["ssl_context"] = self.context
        if self.authenticated:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    @cached_property
    def context(self) -> ssl.SSLContext:
        """
        What TLS connections are made with; the broker's certificate must name its host.

        Raises:
            BadSetting: A file cannot be used.
        """
        names = {
            "CA_FILE": self.ca_file,
            "CERTIFICATE_FILE": self.certificate_file,
            "KEY_FILE": self.key_file,
        }
        for name, path in names.items():
            if path is not None and not path.is_file():
                raise BadSetting(f"HEADWATER_SECURITY__{name}: {path} is no file")
        try:
            made: ssl.SSLContext = create_ssl_context(
                cafile=self.ca_file,
                certfile=self.certificate_file,
                keyfile=self.key_file,
                password=self.key_password or None,
            )
        except (OSError, ssl.SSLError) as exc:
            files = ", ".join(str(path) for path in names.values() if path is not None)
            raise BadSetting(
                f"HEADWATER_SECURITY: {files} hold no usable PEM certificates and keys: {exc}"
            ) from exc
        return made
