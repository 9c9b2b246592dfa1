"""E-mail over SMTP (RFC 5321), plain text, with STARTTLS (RFC 3207) demanded of everybody but our own machine.

Once the server has answered the message with 250 it is sent, whatever happens to the connection afterwards. When the
connection breaks before that answer is read, nobody can know: the message is tried again under the same Message-ID,
which RFC 5322 3.6.4 makes one message, and a mailbox may see it twice. We prefer that to a reminder that never comes.
"""

import asyncio
import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from service.delivery.carriers import NotNow, Outcome, Parcel, Refused, Sent

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """One mail server. `sender` is the address in From; `timeout` counts for every step; without `tls` the server is on
    this machine.
    """

    host: str
    port: int
    sender: str
    tls: bool
    username: str = ""
    password: str = ""
    timeout: float = 8.0
    context: ssl.SSLContext | None = None

    async def carry(self, parcel: Parcel) -> Outcome:
        """In a thread: smtplib waits."""
        return await asyncio.to_thread(self.deliver, parcel)

    def deliver(self, parcel: Parcel) -> Outcome:
        """One attempt, from connecting to the server's last word."""
        try:
            letter = self.letter(parcel)
        except ValueError:  # an address that cannot stand in a header
            return Refused("address")
        try:
            client = smtplib.SMTP(self.host, self.port, local_hostname=self._domain, timeout=self.timeout)
        except (smtplib.SMTPException, OSError):
            return NotNow("no_server")
        try:
            return self._speak(client, letter)
        except smtplib.SMTPRecipientsRefused as refused:
            return _verdict(max(code for code, _ in refused.recipients.values()))
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            return _verdict(refused.smtp_code)
        except smtplib.SMTPNotSupportedError:
            return Refused("address")  # beyond ASCII, and the server does not speak SMTPUTF8
        except (smtplib.SMTPException, OSError):
            return NotNow("broken_off")
        finally:
            client.close()

    def _speak(self, client: smtplib.SMTP, letter: EmailMessage) -> Outcome:
        client.ehlo_or_helo_if_needed()
        if self.tls:
            if not client.has_extn("starttls"):
                return NotNow("no_tls")
            client.starttls(context=self.context or ssl.create_default_context())
            client.ehlo()
        if self.username:
            try:
                client.login(self.username, self.password)
            except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
                return NotNow("sign_in")  # our affair with the server, no verdict on the address
        client.send_message(letter)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()
        return Sent()

    def letter(self, parcel: Parcel) -> EmailMessage:
        """The message with its headers: nothing in them but who, to whom, when, and that a machine wrote."""
        local, _, domain = parcel.to.rpartition("@")
        if not local or not domain:
            raise ValueError("an address has two sides")
        name, _, here = self.sender.rpartition("@")
        letter = EmailMessage(policy=SMTP)
        letter["From"] = Address(parcel.sender, name, here)
        letter["To"] = Address("", local, domain)
        letter["Subject"] = parcel.subject
        letter["Date"] = parcel.at
        letter["Message-ID"] = f"<{parcel.message_id}@{self._domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(parcel.body)
        return letter

    @property
    def _domain(self) -> str:
        return self.sender.rpartition("@")[2]


def _verdict(code: int) -> Outcome:
    return Refused("rejected") if code >= 500 else NotNow("later")
