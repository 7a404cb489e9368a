"""Mail and syslog servers over TLS on free ports of 127.0.0.1; what they get is printed, one JSON object a line.

Takes the files of a certificate and its key. The first line tells the ports. It ends with its standard input."""
import json, socketserver, ssl, sys, threading
from aiosmtpd.controller import Controller


def tell(**what):
    print(json.dumps(what), flush=True)


class Mails:
    async def handle_DATA(self, server, session, envelope):
        tell(kind="mail", to=envelope.rcpt_tos, tls=session.ssl is not None)
        return "250 taken"


class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        got = b""
        while piece := self.request.recv(65536):
            got += piece
            count, rest = got.split(b" ", 1)
            if len(rest) >= int(count):
                tell(kind="syslog", text=rest[: int(count)].decode())
                return


class Secure(socketserver.ThreadingTCPServer):
    def get_request(self):
        link, address = super().get_request()
        return context.wrap_socket(link, server_side=True), address

    def handle_error(self, request, address):
        pass


class Started(Controller):
    # At port 0 it has another one, at which the controller calls to see whether it began.
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


def mail(**settings):
    server = Started(Mails(), hostname="127.0.0.1", port=0, **settings)
    server.start()
    return server.port


syslog = Secure(("127.0.0.1", 0), Stream)
threading.Thread(target=syslog.serve_forever, daemon=True).start()
tell(smtps=mail(ssl_context=context), starttls=mail(tls_context=context, require_starttls=True), plain=mail(),
     syslog=syslog.server_address[1])
sys.stdin.read()
