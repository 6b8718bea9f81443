#!/usr/bin/python3
"""An SMTP server that delivers to a folder: what ./dev and the tests use as the mail server.

It takes every mail for everybody on 127.0.0.1 and writes it to MAIL_DIR as one .eml file, which any mail
program opens. A file appears whole or not at all (written beside, then renamed), and before the sender is
told 250: a mail that was accepted is there. Names sort by arrival.

The envelope stands in the first lines, as a delivering server writes it: Return-Path, then a Delivered-To
for each recipient. What follows is the message, byte for byte.

Environment: SMTP_PORT, MAIL_DIR.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP

MESSAGE_MAX_BYTES = 32 * 1024 * 1024


class Folder:
    """The handler that aiosmtpd calls for each message."""

    def __init__(self, path):
        self.path = path
        self.count = 0
        path.mkdir(parents=True, exist_ok=True)
        for leftover in path.glob(".tmp-*"):
            leftover.unlink()

    async def handle_DATA(self, server, session, envelope):
        head = f"Return-Path: <{envelope.mail_from}>\r\n"
        head += "".join(f"Delivered-To: {to}\r\n" for to in envelope.rcpt_tos)
        self.count += 1
        name = f"{time.time_ns()}-{os.getpid()}-{self.count}.eml"
        beside = self.path / f".tmp-{name}"
        try:
            beside.write_bytes(head.encode() + envelope.original_content)
            beside.rename(self.path / name)
        except OSError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            return "452 Insufficient system storage"
        return f"250 OK {name}"


async def serve(port, folder):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def session():
        return SMTP(folder, hostname="localhost", enable_SMTPUTF8=True, data_size_limit=MESSAGE_MAX_BYTES)

    server = await loop.create_server(session, "127.0.0.1", port)
    print(f"mail for anybody on 127.0.0.1:{port} goes to {folder.path}", flush=True)
    await stop.wait()
    server.close()
    print(f"took {folder.count} mails", flush=True)


def main():
    try:
        port, path = int(os.environ["SMTP_PORT"]), Path(os.environ["MAIL_DIR"])
    except (KeyError, ValueError) as error:
        print(f"sink.py: wrong or missing setting: {error} (SMTP_PORT, MAIL_DIR)", file=sys.stderr)
        return 2
    asyncio.run(serve(port, Folder(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
