"""A mail server for tests, aiosmtpd with STARTTLS and a login, both needed: smtp_server.py PORT CERTIFICATE KEY JOURNAL.

A line of JSON in the journal for each message and each login. Addresses that begin with "nobody" are refused. A process of its
own, run by the Python that has aiosmtpd.
"""

import json
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

PASSWORD = b"a-mail-password"


def main(port, certificate, key, journal):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def note(**what):
        with open(journal, "a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")

    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("nobody"):
                return "550 nobody of this name"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            note(secure=session.ssl is not None, sender=envelope.mail_from, receivers=envelope.rcpt_tos,
                 text=envelope.content.decode())
            return "250 kept as number 7"

    def login(server, session, envelope, mechanism, data):
        good = data.password == PASSWORD
        note(login=data.login.decode(), good=good)
        return AuthResult(success=good, handled=good)

    controller = Controller(Handler(), hostname="127.0.0.1", port=int(port), tls_context=context, require_starttls=True,
                            authenticator=login, auth_required=True)
    controller.start()
    note(ready=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
