"""Mail and syslog servers on free ports of 127.0.0.1; what they get is printed, one JSON object a line.

The first line tells the ports. It ends with its standard input."""
import json, socket, socketserver, sys, threading
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


def tell(**what):
    print(json.dumps(what), flush=True)


class Mails:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        tell(kind="mail", sender=envelope.mail_from, to=envelope.rcpt_tos, user=session.auth_data,
             text=envelope.content.decode())
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    name, password = data.login.decode(), data.password.decode()
    return AuthResult(success=(name, password) == ("plumb", "pass word"), auth_data=name)


class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        got = b""
        while piece := self.request.recv(65536):
            got += piece
            while b" " in got:
                count, rest = got.split(b" ", 1)
                if len(rest) < int(count):
                    break
                tell(kind="tcp", text=rest[: int(count)].decode())
                got = rest[int(count):]


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        tell(kind="udp", text=self.request[0].decode())


class MailController(Controller):
    # What it is at port 0: the controller would call at that port to see whether it began.
    def _trigger_server(self):
        port = self.server.sockets[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 5) as link:
            link.recv(1024)


mail = MailController(Mails(), hostname="127.0.0.1", port=0, authenticator=authenticate,
                      auth_require_tls=False)
mail.start()
tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream)
udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
for server in (tcp, udp):
    threading.Thread(target=server.serve_forever, daemon=True).start()
tell(mail=mail.server.sockets[0].getsockname()[1], tcp=tcp.server_address[1], udp=udp.server_address[1])
sys.stdin.read()
