"""Serves oidc-provider-mock on a free port of 127.0.0.1 and prints the port; ends when stdin does."""
import logging
import os
import sys
import threading

import werkzeug.serving

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
logging.disable(logging.CRITICAL)

import oidc_provider_mock  # noqa: E402 (reads the environment)

app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True)
server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
